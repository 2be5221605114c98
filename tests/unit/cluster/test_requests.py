"""Requests over real HTTP: what is sent, what is tried again, what is not."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from support.api_server import Reply, status

from clt_operator.cluster import api as module
from clt_operator.cluster.errors import (
    AlreadyExists,
    ClusterError,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    Unreachable,
)
from clt_operator.cluster.resources import CONFIGMAPS, JOBS, KUEUE

MAPS = "/api/v1/configmaps"


def config_map(name="c", **data):
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "team"},
        "data": data,
    }


@pytest.fixture
def api(server, tmp_path):
    client = server.api(tmp_path, patience=5, read_seconds=2)
    yield client
    client.close()


# What is sent


def test_create_sends_who_writes_and_how_strictly(server, api):
    made = api.create(CONFIGMAPS, config_map(a="1"), manager="m", strict=True, dry_run=True)
    assert made["data"] == {"a": "1"}
    [request] = server.requests
    assert (request.method, request.path) == ("POST", MAPS)
    assert request.query == {"fieldManager": "m", "fieldValidation": "Strict", "dryRun": "All"}
    assert request.headers["content-type"] == "application/json"
    assert request.headers["authorization"] == "Bearer a-token"
    assert request.headers["user-agent"] == "cltctl"


def test_apply_is_a_server_side_apply(server, api):
    server.put(MAPS, "c")
    api.apply(CONFIGMAPS, config_map(), manager="m", force=True, subresource="")
    [request] = server.requests
    assert (request.method, request.path) == ("PATCH", f"{MAPS}/named/team/c")
    assert request.headers["content-type"] == "application/apply-patch+yaml"
    assert request.query == {"fieldManager": "m", "force": "true"}


def test_apply_of_a_status_goes_to_the_subresource(server, api):
    server.fail(Reply(200, {}))
    api.apply(JOBS, config_map("j"), manager="m", subresource="status")
    assert server.requests[0].raw == "/apis/batch/v1/namespaces/team/jobs/j/status"


def test_a_merge_patch_with_a_stale_version_is_a_conflict(server, api):
    version = server.put(MAPS, "c")["metadata"]["resourceVersion"]
    body = {"metadata": {"resourceVersion": version}, "data": {"a": "1"}}
    patched = api.patch(CONFIGMAPS, "c", body, namespace="team", manager="m")
    assert patched["data"] == {"a": "1"}
    assert server.requests[0].headers["content-type"] == "application/merge-patch+json"
    with pytest.raises(Conflict):
        api.patch(CONFIGMAPS, "c", body, namespace="team", manager="m")


def test_delete_says_whether_the_very_object_was_there(server, api):
    uid = server.put(MAPS, "c")["metadata"]["uid"]
    assert not api.delete(CONFIGMAPS, "c", namespace="team", uid="another")
    assert api.delete(CONFIGMAPS, "c", namespace="team", uid=uid, grace=0)
    assert not api.delete(CONFIGMAPS, "c", namespace="team")
    assert server.requests[1].body == {
        "propagationPolicy": "Background",
        "preconditions": {"uid": uid},
        "gracePeriodSeconds": 0,
    }


def test_find_is_none_for_a_missing_object_only(server, api):
    assert api.find(CONFIGMAPS, "c", "team") is None
    with pytest.raises(NotFound):
        api.get(CONFIGMAPS, "c", "team")
    server.fail(Reply(404, b"404 page not found"))
    with pytest.raises(NotFound, match="does not serve configmaps"):
        api.find(CONFIGMAPS, "c", "team")


def test_limits_are_a_view_of_the_same_client(server, api):
    hasty = api.limited(patience=0)
    server.fail(status(503, "ServiceUnavailable"))
    with pytest.raises(Unreachable):
        hasty.version()
    assert api.patience == 5
    assert api.requests["GET", 503] == 1


def test_discovery_prefers_the_servers_version(server, api):
    versions = [{"version": "v1beta1"}, {"version": "v1beta2"}]
    server.fail(
        Reply(200, {"versions": versions, "preferredVersion": {"version": "v1beta2"}}),
        Reply(200, {"resources": [{"name": "workloads"}, {"name": "workloads/status"}]}),
        Reply(200, {"resources": [{"name": "workloads"}, {"name": "cohorts"}]}),
    )
    assert api.served(KUEUE) == {"workloads": "v1beta2", "cohorts": "v1beta1"}


def test_an_absent_group_serves_nothing(server, api):
    server.fail(status(404, "NotFound", "the server could not find the requested resource"))
    assert api.served(KUEUE) == {}


def test_the_lines_of_a_log(server, api):
    server.fail(Reply(200, b"one\n\ntwo\nhalf"))
    lines = list(api.pod_log("team", "p", container="steps", tail=10, previous=True))
    assert lines == [b"one", b"", b"two", b"half"]
    assert server.requests[0].query == {"container": "steps", "tailLines": "10", "previous": "true"}


# Lists


def names(items):
    return [item["metadata"]["name"] for item in items]


def test_a_list_comes_in_pages(server, api):
    for number in range(7):
        server.put(MAPS, f"c{number}")
    assert names(api.list(CONFIGMAPS, "team", page=3)) == [f"c{n}" for n in range(7)]
    assert [request.query["limit"] for request in server.requests] == ["3"] * 3


def test_selectors_go_along_on_every_page(server, api):
    for number in range(4):
        server.put(MAPS, f"c{number}")
    list(api.list(CONFIGMAPS, "team", labels="a=b", fields="metadata.name=c", page=2))
    assert {request.query["labelSelector"] for request in server.requests} == {"a=b"}
    assert {request.query["fieldSelector"] for request in server.requests} == {"metadata.name=c"}


def test_a_list_whose_history_goes_starts_again_and_repeats_nothing(server, api):
    for number in range(6):
        server.put(MAPS, f"c{number}")
    listed = api.list(CONFIGMAPS, "team", page=2)
    first = [next(listed), next(listed)]
    server.put(MAPS, "c9")
    server.forget()
    assert sorted(names([*first, *listed])) == ["c0", "c1", "c2", "c3", "c4", "c5", "c9"]


def test_a_list_whose_history_always_goes_ends(server, api):
    server.faults.extend([lambda _: status(410, "Expired")] * module.LIST_TRIES)
    with pytest.raises(Gone):
        list(api.list(CONFIGMAPS, "team"))


# Faults that pass


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(server, api, code):
    server.fail(*[status(code, "Whatever")] * 3)
    api.create(CONFIGMAPS, config_map(), manager="m")
    assert api.requests["POST", code] == 3
    assert api.requests["POST", 201] == 1


def test_what_will_not_pass_is_not_tried_again(server, api):
    server.fail(status(422, "Invalid"))
    with pytest.raises(Invalid):
        api.create(CONFIGMAPS, config_map(), manager="m")
    assert len(server.requests) == 1


def test_the_server_says_how_long_to_wait(server, api, monkeypatch):
    monkeypatch.setattr(module, "LONGEST_HINT", 0.4)  # of the second that it asks for
    reply = status(429, "TooManyRequests")
    server.fail(Reply(429, reply.body, {"retry-after": "1"}))
    begun = time.monotonic()
    api.get(CONFIGMAPS, server.put(MAPS, "c")["metadata"]["name"], "team")
    assert time.monotonic() - begun >= 0.4


def test_patience_ends(server, api):
    server.faults.extend([lambda _: status(503, "ServiceUnavailable", "no leader")] * 1000)
    begun = time.monotonic()
    with pytest.raises(Unreachable, match=r"answered 503 \(no leader\), after \d+ tries"):
        api.limited(patience=0.3).version()
    assert time.monotonic() - begun < 2


def test_a_broken_connection_is_tried_again(server, api):
    server.fail(Reply(drop=True))
    assert api.find(CONFIGMAPS, "c", "team") is None
    assert api.requests["GET", 0] == 1


def test_a_frozen_server_costs_time_not_the_thread(server, api):
    server.running.clear()
    begun = time.monotonic()
    with pytest.raises(Unreachable, match="connected, but it stays silent"):
        api.limited(patience=0, read_seconds=0.2).version()
    assert time.monotonic() - begun < 1


def test_no_server_is_said_with_its_address_and_context(server, api):
    server.close()
    with pytest.raises(Unreachable) as caught:
        api.limited(patience=0.05).version()
    assert f"no answer from http://127.0.0.1:{server.port} (context 'fake' of" in str(caught.value)
    assert "connection refused" in str(caught.value)


def test_waiting_ends_when_the_client_is_closed(server, api, monkeypatch):
    monkeypatch.setattr(module, "FIRST_PAUSE", 100.0)
    monkeypatch.setattr(module, "LONGEST_PAUSE", 100.0)
    server.faults.extend([lambda _: status(503, "ServiceUnavailable")] * 10)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(api.limited(patience=1000).version)
        while not server.requests:
            assert not waiting.done()
        api.close()
        assert isinstance(waiting.exception(timeout=5), Unreachable)


# Answers that were lost


def test_exists_after_a_lost_answer_may_be_ours(server, api):
    def lose(request):
        server.answer(request)
        return Reply(drop=True)

    server.faults.append(lose)
    with pytest.raises(AlreadyExists) as caught:
        api.create(CONFIGMAPS, config_map(), manager="m")
    assert caught.value.perhaps_ours


def test_exists_at_once_is_somebody_elses(server, api):
    server.put(MAPS, "c")
    with pytest.raises(AlreadyExists) as caught:
        api.create(CONFIGMAPS, config_map(), manager="m")
    assert not caught.value.perhaps_ours


def test_exists_after_a_request_that_was_turned_away_is_somebody_elses(server, api):
    server.put(MAPS, "c")
    server.fail(status(429, "TooManyRequests"))
    with pytest.raises(AlreadyExists) as caught:
        api.create(CONFIGMAPS, config_map(), manager="m")
    assert not caught.value.perhaps_ours


def test_gone_after_a_lost_answer_was_our_delete(server, api):
    server.put(MAPS, "c")

    def lose(request):
        server.answer(request)
        return Reply(drop=True)

    server.faults.append(lose)
    assert api.delete(CONFIGMAPS, "c", namespace="team")


# Credentials and counters


def test_refused_credentials_are_read_again_once(server, api, monkeypatch):
    from clt_operator.cluster import connect

    monkeypatch.setattr(connect, "RELOAD_SECONDS", 0)
    server.fail(status(401, "Unauthorized"))
    assert api.find(CONFIGMAPS, "c", "team") is None
    server.fail(*[status(401, "Unauthorized")] * 2)
    with pytest.raises(Forbidden, match="sign in again"):
        api.find(CONFIGMAPS, "c", "team")


def test_no_token_in_an_error(server, api):
    server.fail(status(403, "Forbidden", "no: Authorization: Bearer a-token-of-length"))
    with pytest.raises(Forbidden) as caught:
        api.version()
    assert "a-token" not in str(caught.value)


def test_writes_are_counted_without_reads_dry_runs_and_refusals(server, api):
    api.create(CONFIGMAPS, config_map(), manager="m")
    with pytest.raises(AlreadyExists):
        api.create(CONFIGMAPS, config_map(), manager="m")
    api.get(CONFIGMAPS, "c", "team")
    api.patch(CONFIGMAPS, "c", {}, namespace="team", manager="m", dry_run=True)
    assert api.writes == 1
    api.delete(CONFIGMAPS, "c", namespace="team")
    assert api.writes == 2


def test_threads_share_a_client(server, api):
    def create(number):
        api.create(CONFIGMAPS, config_map(f"c{number}"), manager="m")
        return threading.get_ident()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(create, range(64)))
    assert len(server.objects[MAPS]) == 64
    assert api.requests["POST", 201] == 64


def test_what_is_no_api_server_is_said(server, api):
    server.fail(Reply(200, b"<html>"))
    with pytest.raises(ClusterError, match="is it an API server"):
        api.version()
