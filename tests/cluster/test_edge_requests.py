"""The client on a real API server: what it reads, writes and is refused."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from cluster.harness.cluster import config_map
from cluster.harness.steps import fetch_steps, job_of
from cluster.harness.waiting import until

from clt_operator.cluster.errors import (
    AlreadyExists,
    ClusterError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Unreachable,
)
from clt_operator.cluster.events import Events
from clt_operator.cluster.resources import (
    CONFIGMAPS,
    EVENTS,
    JOBS,
    KUEUE,
    NAMESPACES,
    WORKLOADS,
    Resource,
)

THINGS = Resource("clt.dev", "v1", "nosuchthings", "NoSuchThing")


@pytest.fixture(scope="module")
def api(cluster):
    client = cluster.api()
    yield client
    client.close()


def value(namespace, name="c", **data):
    return config_map(namespace, name, data)


def test_an_object_is_made_applied_patched_and_deleted(api, namespace):
    made = api.create(CONFIGMAPS, value(namespace, a="1"), manager="one", strict=True)
    uid = made["metadata"]["uid"]
    with pytest.raises(AlreadyExists) as caught:
        api.create(CONFIGMAPS, value(namespace), manager="one")
    assert not caught.value.perhaps_ours
    applied = api.apply(CONFIGMAPS, value(namespace, b="2"), manager="two", strict=True)
    assert applied["data"] == {"a": "1", "b": "2"}
    managers = {entry["manager"] for entry in applied["metadata"]["managedFields"]}
    assert managers == {"one", "two"}
    patched = api.patch(CONFIGMAPS, "c", {"data": {"a": None}}, namespace=namespace, manager="one")
    assert patched["data"] == {"b": "2"}
    assert not api.delete(CONFIGMAPS, "c", namespace=namespace, uid="another")
    assert api.delete(CONFIGMAPS, "c", namespace=namespace, uid=uid)
    assert not api.delete(CONFIGMAPS, "c", namespace=namespace)
    assert api.find(CONFIGMAPS, "c", namespace) is None


def test_an_apply_that_changes_nothing_keeps_the_version(api, namespace):
    versions = {
        api.apply(CONFIGMAPS, value(namespace, a="1"), manager="m")["metadata"]["resourceVersion"]
        for _ in range(3)
    }
    assert len(versions) == 1


def test_a_dry_run_writes_nothing(api, namespace):
    before = api.writes
    api.apply(CONFIGMAPS, value(namespace, a="1"), manager="m", dry_run=True)
    api.create(CONFIGMAPS, value(namespace, a="1"), manager="m", dry_run=True)
    assert api.find(CONFIGMAPS, "c", namespace) is None
    assert api.writes == before


def test_fields_of_another_manager_are_a_conflict_unless_forced(api, namespace):
    api.apply(CONFIGMAPS, value(namespace, a="1"), manager="one")
    with pytest.raises(Conflict, match=r'data\.a: conflict with "one"'):
        api.apply(CONFIGMAPS, value(namespace, a="2"), manager="two")
    forced = api.apply(CONFIGMAPS, value(namespace, a="2"), manager="two", force=True)
    assert forced["data"] == {"a": "2"}


def test_a_stale_version_is_a_conflict(api, namespace):
    version = api.apply(CONFIGMAPS, value(namespace), manager="m")["metadata"]["resourceVersion"]
    body = {"metadata": {"resourceVersion": version}, "data": {"a": "1"}}
    api.patch(CONFIGMAPS, "c", body, namespace=namespace, manager="m")
    with pytest.raises(Conflict):
        api.patch(CONFIGMAPS, "c", body, namespace=namespace, manager="m")


def a_job(namespace, store, **spec):
    job = job_of(fetch_steps(1), namespace, store)
    return {**job, "spec": {**job["spec"], "suspend": True, **spec}}


def test_what_is_wrong_with_a_job_is_said_by_field(api, namespace, store):
    with pytest.raises(Invalid) as caught:
        api.create(JOBS, a_job(namespace, store, backoffLimit=-1), manager="m")
    assert [problem.path for problem in caught.value.problems] == ["spec.backoffLimit"]


@pytest.mark.parametrize(
    ("spec", "path"), [({"foo": 1}, "spec.foo"), ({"backoffLimit": "x"}, "spec.backoffLimit")]
)
def test_an_apply_of_a_wrong_shape_is_invalid_at_once(api, namespace, store, spec, path):
    before = api.requests.total()
    with pytest.raises(Invalid) as caught:
        api.apply(JOBS, a_job(namespace, store, **spec), manager="m", strict=True)
    assert [problem.path for problem in caught.value.problems] == [path]
    assert api.requests.total() == before + 1


def test_an_unknown_field_is_refused_where_strict(api, namespace, store):
    job = a_job(namespace, store, foo=1)
    with pytest.raises(Invalid, match=r"spec\.foo: unknown field"):
        api.create(JOBS, job, manager="m", strict=True)
    assert api.create(JOBS, job, manager="m")["metadata"]["uid"]


def test_an_object_above_the_limit_is_invalid(api, namespace):
    with pytest.raises(Invalid, match="too large for the API server"):
        api.create(CONFIGMAPS, value(namespace, a="x" * 4_000_000), manager="m")


def test_a_kind_that_is_not_served_is_told_from_an_object_that_is_not_there(api, namespace):
    with pytest.raises(NotFound, match="does not serve nosuchthings") as caught:
        api.find(THINGS, "x", namespace)
    assert caught.value.unserved
    with pytest.raises(NotFound) as caught:
        api.get(CONFIGMAPS, "x", namespace)
    assert not caught.value.unserved


def test_discovery(api):
    assert api.served("batch")["jobs"] == "v1"
    assert api.served("nosuch.example") == {}
    assert set(api.served(KUEUE)) == set() or WORKLOADS.plural in api.served(KUEUE)


def test_1200_objects_are_listed_in_pages_once_each(api, namespace):
    def create(number):
        body = value(namespace, f"c{number:04}", v=str(number))
        body["metadata"]["labels"] = {"odd": str(number % 2)}
        return api.create(CONFIGMAPS, body, manager="m")["metadata"]["name"]

    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(create, range(1200)))
    before = api.requests["GET", 200]
    listed = [item["metadata"]["name"] for item in api.list(CONFIGMAPS, namespace)]
    assert api.requests["GET", 200] == before + 3
    assert len(listed) == len(set(listed))
    assert set(listed) >= made
    odd = list(api.list(CONFIGMAPS, namespace, labels="odd=1", page=100))
    assert len(odd) == 600
    one = list(api.list(CONFIGMAPS, namespace, fields="metadata.name=c0007"))
    assert [item["data"] for item in one] == [{"v": "7"}]


# Who asks


def test_a_service_account_may_what_its_role_says(cluster, api, namespace):
    api.create(CONFIGMAPS, value(namespace, "there"), manager="m")
    kubeconfig = cluster.account(
        namespace,
        "reader",
        rules=[{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}],
    )
    reader = cluster.api(kubeconfig)
    assert "there" in [item["metadata"]["name"] for item in reader.list(CONFIGMAPS, namespace)]
    with pytest.raises(Forbidden, match="verb create on resource configmaps") as caught:
        reader.create(CONFIGMAPS, value(namespace), manager="m")
    assert not caught.value.terminating


def test_a_token_that_is_not_accepted_names_the_context_and_not_the_token(
    cluster, namespace, tmp_path
):
    path = cluster.account(namespace, "reader", role="view")
    text = Path(path).read_text()
    wrong = tmp_path / "kubeconfig"
    token = text.split("token:")[1].split()[0].strip("\"'")
    wrong.write_text(text.replace(token, "not-the-token-0123456789"))
    with pytest.raises(Forbidden, match="sign in again") as caught:
        next(cluster.api(wrong).list(CONFIGMAPS, namespace))
    assert str(wrong) in str(caught.value)
    assert "not-the-token" not in str(caught.value)


def test_a_certificate_of_somebody_else_is_not_trusted(cluster, tmp_path):
    content = yaml.safe_load(Path(cluster.kubeconfig).read_text())
    for entry in content["clusters"]:
        entry["cluster"].pop("certificate-authority-data", None)
        entry["cluster"].pop("certificate-authority", None)
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(content))
    if cluster.ours:
        with pytest.raises(ClusterError, match="is not trusted") as caught:
            cluster.api(path).version()
        assert not isinstance(caught.value, Unreachable)


def test_a_namespace_that_ends_is_told_from_a_missing_right(cluster, api, namespace):
    held = config_map(namespace, "held", {})
    held["metadata"]["finalizers"] = ["clt.dev/test"]
    api.create(CONFIGMAPS, held, manager="m")
    api.delete(NAMESPACES, namespace)

    def refused():
        try:
            api.create(CONFIGMAPS, value(namespace, "late"), manager="m", dry_run=True)
        except Forbidden as error:
            return error

    try:
        assert until(refused, 30).terminating
    finally:
        body = {"metadata": {"finalizers": None}}
        api.patch(CONFIGMAPS, "held", body, namespace=namespace, manager="m")


def test_a_storm_of_429_is_sat_out(cluster, namespace):
    """Two requests: one while every request is turned away, one that outlives it."""
    user = f"system:serviceaccount:{namespace}:writer"
    writer = cluster.api(cluster.account(namespace, "writer", role="edit"))
    writer.create(CONFIGMAPS, value(namespace, "before"), manager="m")
    with ThreadPoolExecutor() as pool:
        with cluster.control.throttled(user):
            with pytest.raises(Unreachable, match="answered 429"):
                writer.limited(patience=0).get(CONFIGMAPS, "before", namespace)
            waiting = pool.submit(
                writer.create, CONFIGMAPS, value(namespace, "during"), manager="m"
            )
            until(lambda: writer.requests["POST", 429] >= 2, 20)
            assert not waiting.done()
        assert waiting.result(timeout=60)["metadata"]["name"] == "during"


def test_a_restart_of_the_server_is_sat_out(cluster, api, namespace):
    with ThreadPoolExecutor() as pool:
        with cluster.control.api_server_down():
            waiting = pool.submit(
                api.limited(patience=60).create, CONFIGMAPS, value(namespace), manager="m"
            )
            until(lambda: api.requests["POST", 0] >= 2, 20)
        assert waiting.result(timeout=60)["metadata"]["name"] == "c"


def test_a_frozen_server_is_given_up_in_time(cluster, api):
    with cluster.control.frozen(), pytest.raises(Unreachable, match=r"silent|too long"):
        api.limited(patience=0, read_seconds=1, connect_seconds=1).version()


# Events


def test_an_event_is_shown_and_counted(cluster, api, namespace):
    about = api.create(CONFIGMAPS, value(namespace), manager="m")
    events = Events(api, "operator-1")
    for _ in range(3):
        events.record(about, "Warning", "StepsFailed", "3 steps failed")
    events.record(about, "Normal", "Complete", "the report is there")
    events.stop(seconds=20)
    assert events.dropped == 0
    found = {event["reason"]: event for event in api.list(EVENTS, namespace)}
    assert found["StepsFailed"]["series"]["count"] == 3
    assert found["StepsFailed"]["regarding"]["uid"] == about["metadata"]["uid"]
    assert "series" not in found["Complete"]
    assert "3 steps failed" in cluster.kubectl("describe", "configmap", "c", "-n", namespace)
