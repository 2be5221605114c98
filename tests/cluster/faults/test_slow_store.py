"""The store is away for minutes: no step pays for it, and the status says so while it lasts."""

import time

import pytest
from cluster.faults.lasting import assert_alive, lasts, progressed
from cluster.faults.studies import tiny_study

pytestmark = pytest.mark.slow_fault

DOWN, FROZEN = 120, 75  # seconds
NOTICED = 65  # seconds after which the status has to say that the store is away
BACK = 120  # seconds until it says that it is back


@pytest.fixture
def under_way(operator, experiments, stub):
    """A study of 71 steps that take half a second each, a part of which are done."""
    stub.add(delay=0.5)
    experiments.create(tiny_study(seeds=list(range(4))))
    progressed(experiments, 8)
    return operator


def test_a_store_that_refuses_connections_for_two_minutes(
    under_way, experiments, stub, store, assert_intact
):
    gate = stub.hold(kind="train")
    stub.working("train")
    begun = time.monotonic()
    with store.down():
        gate.set()
        experiments.wait("Degraded", reason="StoreUnavailable", seconds=NOTICED)
        assert store.uri in experiments.condition("Degraded")["message"]
        lasts(DOWN, lambda: assert_degraded(under_way, experiments), since=begun)
        assert [r for r in stub.records if not r.outcome], "no runner was hit: the test is void"
    experiments.wait("Degraded", "False", seconds=BACK)
    assert_intact()


def test_a_store_that_does_not_answer_for_a_minute(under_way, experiments, store, assert_intact):
    begun = time.monotonic()
    with store.frozen():
        experiments.wait("Degraded", reason="StoreUnavailable", seconds=NOTICED)
        lasts(FROZEN, lambda: assert_degraded(under_way, experiments), since=begun)
    experiments.wait("Degraded", "False", seconds=BACK)
    assert_intact()


def assert_degraded(operator, experiments) -> None:
    """All the time, and nothing worse."""
    assert_alive(operator)
    said = experiments.condition("Degraded")
    assert (said["status"], said["reason"]) == ("True", "StoreUnavailable")
    assert experiments.status()["phase"] == "Running"
