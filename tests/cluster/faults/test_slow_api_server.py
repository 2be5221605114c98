"""The API server goes away, freezes, forgets its history or refuses: the study goes on after it."""

import time

import pytest
from cluster.faults.lasting import (
    LEADER,
    assert_alive,
    lasts,
    leads_again,
    progressed,
    stops_leading,
)
from cluster.faults.studies import tiny_study
from cluster.harness.waiting import until

pytestmark = pytest.mark.slow_fault

DOWN, FROZEN, STORM = 60, 185, 50  # seconds
CALM = 10  # requests per second of an operator that is refused


@pytest.fixture
def under_way(operator, experiments, stub):
    """A study of 71 steps that take half a second each, a part of which are done."""
    stub.add(delay=0.5)
    experiments.create(tiny_study(seeds=list(range(4))))
    progressed(experiments, 8)
    return operator


@pytest.fixture
def user(namespace) -> str:
    """Who the operator is to the API server."""
    return f"system:serviceaccount:{namespace}:operator"


def test_an_api_server_that_is_away_for_a_minute(under_way, cluster, stub, assert_intact):
    gate = stub.hold(kind="train")
    stub.working("train")
    with cluster.control.api_server_down():
        gate.set()
        lasts(DOWN, lambda: assert_alive(under_way))
        assert under_way.metrics()[LEADER] == 0
        assert stub.attempts(kind="train")[0].outcome == "committed", "what ran went on"
    leads_again(under_way)
    assert_intact()


def test_an_operator_that_is_killed_and_started_while_the_api_server_is_away(
    under_way, cluster, assert_intact
):
    with cluster.control.api_server_down():
        under_way.kill()
        under_way.start(ready=False)
        lasts(25, lambda: assert_alive(under_way))
        assert under_way.status("/readyz") == 503
    until(lambda: under_way.status("/readyz") == 200, 60, what="the operator is ready")
    leads_again(under_way)
    assert_intact(told=False)


def test_an_api_server_that_is_frozen_for_three_minutes(under_way, cluster, assert_intact):
    begun = time.monotonic()
    lost = under_way.logs.count("leads no more")
    with cluster.control.frozen():
        stops_leading(under_way)
        lasts(FROZEN, lambda: assert_alive(under_way), since=begun)
        assert under_way.status("/readyz") == 503, "it has heard nothing for three minutes"
        assert under_way.metrics()[LEADER] == 0
    until(lambda: under_way.status("/readyz") == 200, 60, what="the operator is ready")
    leads_again(under_way)
    assert under_way.logs.count("leads no more") == lost + 1
    assert_intact()


def test_history_that_is_compacted_under_the_watches_again_and_again(
    under_way, cluster, user, experiments, assert_intact
):
    for _ in range(4):
        mark, done = cluster.audit.mark(), progressed(experiments, 1)
        cluster.control.expire_watches()
        cluster.control.compact()
        for resource in ("experiments", "jobs", "pods"):
            listed = f"the operator has listed {resource} again"
            until(lambda r=resource: lists(cluster, mark, user, r), 60, what=listed)  # noqa: B023
        progressed(experiments, done + 1)
    assert_intact()


def test_a_storm_of_429(under_way, cluster, user, assert_intact):
    mark, begun = cluster.audit.mark(), time.monotonic()
    with cluster.control.throttled(user):
        stops_leading(under_way)
        lasts(STORM, lambda: assert_alive(under_way), since=begun)
        refused = [r for r in cluster.audit.since(mark, user=user) if r.code == 429]
        assert refused
        assert len(refused) < CALM * (time.monotonic() - begun), "it storms back"
    leads_again(under_way)
    assert_intact()


def lists(cluster, mark: int, user: str, resource: str):
    """Lists of a resource by a user since a mark, that were answered."""
    asked = cluster.audit.since(mark, user=user, verbs=("list",))
    return [r for r in asked if r.resource == resource and r.code == 200]
