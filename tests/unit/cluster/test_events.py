"""Events over real HTTP: written once, counted afterwards, never in anybody's way."""

import time

import pytest
from support.api_server import status

from clt_operator.cluster import events as module
from clt_operator.cluster.events import Events

EVENTS = "/apis/events.k8s.io/v1/events"
EXPERIMENT = {
    "apiVersion": "clt.dev/v1alpha1",
    "kind": "Experiment",
    "metadata": {"name": "e", "namespace": "team", "uid": "u", "resourceVersion": "7"},
}


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def events(server, tmp_path, clock):
    made = Events(server.api(tmp_path), "operator-1", clock=clock)
    yield made
    server.running.set()
    made.stop()


def until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def written(server):
    return list(server.objects.get(EVENTS, {}).values())


def test_an_event_says_what_happened_to_what(server, events):
    events.record(EXPERIMENT, "Warning", "StepsFailed", "3 steps failed", action="Launch")
    until(lambda: written(server))
    [event] = written(server)
    assert event["metadata"]["namespace"] == "team"
    assert event["metadata"]["name"].startswith("e.")
    assert event["reportingController"] == "clt.dev/operator"
    assert event["reportingInstance"] == "operator-1"
    assert (event["type"], event["reason"]) == ("Warning", "StepsFailed")
    assert (event["action"], event["note"]) == ("Launch", "3 steps failed")
    assert event["regarding"] == {
        "apiVersion": "clt.dev/v1alpha1",
        "kind": "Experiment",
        "name": "e",
        "namespace": "team",
        "uid": "u",
        "resourceVersion": "7",
    }
    assert "series" not in event


def test_the_same_again_is_counted_not_written(server, events, clock):
    for _ in range(5):
        events.record(EXPERIMENT, "Normal", "Waiting", "for quota")
        clock.now += 100
    events.stop()
    [event] = written(server)
    assert event["series"]["count"] == 5
    assert len(server.requests) == 2  # the event, and its count when it ended


def test_the_count_is_written_once_per_window(server, events, clock, monkeypatch):
    monkeypatch.setattr(module, "WINDOW", 10.0)
    events.record(EXPERIMENT, "Normal", "Waiting", "for quota")
    until(lambda: written(server))
    for _ in range(30):
        clock.now += 1
        events.record(EXPERIMENT, "Normal", "Waiting", "for quota")
    with events._changed:
        events._changed.notify()
    until(lambda: written(server)[0].get("series"))
    assert written(server)[0]["series"]["count"] == 31
    assert len(server.requests) == 2


def test_other_words_or_objects_are_other_events(server, events):
    other = {**EXPERIMENT, "metadata": {**EXPERIMENT["metadata"], "uid": "v"}}
    events.record(EXPERIMENT, "Normal", "Waiting", "for quota")
    events.record(EXPERIMENT, "Normal", "Waiting", "for nodes")
    events.record(EXPERIMENT, "Warning", "Waiting", "for quota")
    events.record(other, "Normal", "Waiting", "for quota")
    events.stop()
    assert len(written(server)) == 4


def test_after_the_window_it_is_a_new_event(server, events, clock):
    events.record(EXPERIMENT, "Normal", "Waiting", "for quota")
    clock.now += module.WINDOW + 1
    events.record(EXPERIMENT, "Normal", "Waiting", "for quota")
    events.stop()
    assert len(written(server)) == 2


def test_a_frozen_server_makes_nobody_wait(server, events, monkeypatch):
    monkeypatch.setattr(module, "MOST_QUEUED", 10)
    server.running.clear()
    begun = time.monotonic()
    for number in range(1000):
        events.record(EXPERIMENT, "Normal", "Waiting", f"for {number}")
    assert time.monotonic() - begun < 1
    assert events.dropped >= 1000 - 10 - 1
    assert len(events._queue) <= 10


def test_memory_is_bounded(server, events, monkeypatch):
    monkeypatch.setattr(module, "MOST_REMEMBERED", 10)
    for number in range(50):
        events.record(EXPERIMENT, "Normal", "Waiting", f"for {number}")
    assert len(events._said) <= 10


@pytest.mark.parametrize("code", [403, 404, 422])
def test_what_the_server_refuses_is_dropped_and_may_come_again(server, events, code):
    server.fail(status(code, "Whatever"))
    events.record(EXPERIMENT, "Normal", "Waiting", "for quota")
    until(lambda: events.dropped == 1)
    events.record(EXPERIMENT, "Normal", "Waiting", "for quota")
    until(lambda: written(server))


def test_an_event_that_expired_before_its_count_is_forgotten(server, events):
    events.record(EXPERIMENT, "Normal", "Waiting", "for quota")
    until(lambda: written(server))
    server.objects[EVENTS].clear()
    events.record(EXPERIMENT, "Normal", "Waiting", "for quota")
    events.stop()
    assert events._said == {}


def test_stopping_does_not_wait_for_a_server_that_hangs(server, events):
    server.running.clear()
    events.record(EXPERIMENT, "Normal", "Waiting", "for quota")
    begun = time.monotonic()
    events.stop(seconds=0.2)
    assert time.monotonic() - begun < 1


def test_texts_fit_the_api(server, events):
    long = {**EXPERIMENT, "metadata": {**EXPERIMENT["metadata"], "name": "n" * 253}}
    events.record(long, "Normal", "R" * 200, "ü" * 2000, action="A" * 200)
    events.stop()
    [event] = written(server)
    assert len(event["note"].encode()) <= 1024
    assert set(event["note"]) == {"ü"}
    assert len(event["metadata"]["name"]) <= 253
    assert (len(event["reason"]), len(event["action"])) == (128, 128)


def test_what_has_no_namespace_is_told_in_default(server, events):
    node = {"kind": "Node", "metadata": {"name": "n"}}
    events.record(node, "Normal", "Seen", "it is there")
    events.stop()
    assert written(server)[0]["metadata"]["namespace"] == "default"
