"""The hub: a revision is pinned to its commit, faults are told apart, the token leaks nowhere."""

import socket
import threading

import pytest

from clt_operator.api.errors import InputError, TransientError
from clt_operator.resolve import hub as hub_module
from clt_operator.resolve.hub import Hub

TOKEN = "hf_" + "s3cr3t" * 4
PATH = "/api/models/org/m/revision/main"


def test_a_branch_is_pinned_to_its_commit(hub):
    hub.holds("models", "org/m", sha="c0ffee", safetensors={"total": 135})
    found = Hub(hub.url).look_up("models", "org/m")
    assert (found.revision, found.parameters) == ("c0ffee", 135)


def test_a_revision_may_hold_slashes_and_a_data_set_has_no_size(hub):
    hub.holds("datasets", "org/d", revision="refs%2Fpr%2F1", sha="beef")
    found = Hub(hub.url).look_up("datasets", "org/d", "refs/pr/1")
    assert (found.revision, found.parameters) == ("beef", None)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_repository_that_is_not_there_or_gated_is_the_specs_fault(hub, status):
    hub.answers[PATH] = (status, {"error": "x"}, {})
    with pytest.raises(InputError) as raised:
        Hub(hub.url, TOKEN).look_up("models", "org/m")
    assert str(raised.value) == (
        f"model org/m: the hub says {status}: check the name and the revision, and set HF_TOKEN "
        "where the repository is gated"
    )


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((500, {}, {}), "model org/m: the hub says 500"),
        ((429, {}, {}), "model org/m: the hub says 429"),
        ((200, b"<html>", {}), "does not answer: Expecting value"),
        ((200, ["list"], {}), "gave no description of it"),
        ((200, {"sha": ""}, {}), "gave no commit for org/m"),
        ((200, b'{"sha": "c0', {"Content-Length": "99"}), "does not answer"),
        ((0, {}, {}), "does not answer"),
    ],
    ids=["error", "throttled", "no JSON", "a list", "no commit", "cut short", "hangs up"],
)
def test_what_may_pass_is_no_fault_of_the_spec(hub, answer, message):
    hub.answers[PATH] = answer
    with pytest.raises(TransientError) as raised:
        Hub(hub.url).look_up("models", "org/m")
    assert message in str(raised.value)


def test_a_hub_that_is_not_there(hub):
    hub.close()
    with pytest.raises(TransientError, match=r"does not answer: .*refused"):
        Hub(hub.url).look_up("models", "org/m")


def test_a_hub_that_keeps_silent(monkeypatch):
    monkeypatch.setattr(hub_module, "TIMEOUT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(TransientError, match="does not answer: timed out"):
            Hub(url).look_up("models", "org/m")


def test_the_address_must_be_one():
    with pytest.raises(InputError, match=r"HF_ENDPOINT must be an http\(s\) address, not 'hub'"):
        Hub("hub").look_up("models", "org/m")


# the token


def test_the_token_of_the_environment_is_sent_as_a_header(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN + "\n")  # as a file that was read holds it
    monkeypatch.setenv("HF_ENDPOINT", hub.url + "/")
    hub.holds("models", "org/m", sha="c")
    Hub().look_up("models", "org/m")
    assert hub.asked == [(PATH, f"Bearer {TOKEN}")]


def test_without_a_token_none_is_sent(hub):
    hub.holds("models", "org/m", sha="c")
    Hub(hub.url).look_up("models", "org/m")
    assert hub.asked == [(PATH, None)]


def test_promise_least_privilege_the_token_of_the_process_goes_to_no_hub_whose_address_is_given(
    hub, monkeypatch
):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    hub.holds("models", "org/m", sha="c")
    Hub(hub.url).look_up("models", "org/m")
    Hub(hub.url, "hf_another").look_up("models", "org/m")
    assert [token for _, token in hub.asked] == [None, "Bearer hf_another"]


@pytest.mark.parametrize("status", [0, 200, 401, 500])
def test_the_token_is_in_no_message(hub, status):
    hub.answers[PATH] = (status, {"error": TOKEN}, {"X-Echo": TOKEN})
    with pytest.raises((InputError, TransientError)) as raised:
        Hub(hub.url, TOKEN).look_up("models", "org/m")
    assert TOKEN not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("token", ["two words", "line\nbreak" + TOKEN, "…" + TOKEN])
def test_a_token_that_is_none_is_refused_unsaid(hub, token):
    with pytest.raises(InputError, match="HF_TOKEN is no token") as raised:
        Hub(hub.url, token)
    assert TOKEN not in str(raised.value)


def test_a_renamed_repository_is_followed_with_the_token(hub):
    hub.answers[PATH] = (307, {}, {"Location": "/api/models/new/m/revision/main"})
    hub.holds("models", "new/m", sha="c")
    assert Hub(hub.url, TOKEN).look_up("models", "org/m").revision == "c"
    assert hub.asked[-1] == ("/api/models/new/m/revision/main", f"Bearer {TOKEN}")


def test_another_host_never_sees_the_token(hub, second_hub):
    hub.answers[PATH] = (307, {}, {"Location": second_hub.url + PATH})
    second_hub.holds("models", "org/m", sha="c")
    Hub(hub.url, TOKEN).look_up("models", "org/m")
    assert second_hub.asked == [(PATH, None)]


def test_lookups_may_run_at_once(hub):
    hub.holds("models", "org/m", sha="c")
    client = Hub(hub.url)
    found: list[str] = []
    ask = [
        threading.Thread(target=lambda: found.append(client.look_up("models", "org/m").revision))
        for _ in range(4)
    ]
    for thread in ask:
        thread.start()
    for thread in ask:
        thread.join()
    assert found == ["c"] * 4
