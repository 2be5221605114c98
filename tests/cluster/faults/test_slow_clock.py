"""The operator's wall clock jumps, as it does where somebody sets the clock of a machine."""

import os
import time
from pathlib import Path

import pytest
from cluster.faults.lasting import LEADER, assert_alive, lasts, progressed
from cluster.faults.studies import tiny_study

pytestmark = pytest.mark.slow_fault

HOUR, MINUTE = 3600, 60  # seconds
WRONG = 15  # seconds for which the clock stays wrong
LEASE = "/apis/coordination.k8s.io/v1/namespaces/{}/leases/clt-operator"
CALM = 10  # requests per second of an operator that is calm


@pytest.fixture
def clock(tmp_path, monkeypatch):
    """``clock(seconds)`` sets the operator's clock wrong by so much."""
    file = tmp_path / "clock"
    file.write_text("0")
    folders = [str(Path(__file__).parent / "shifted_clock"), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, folders)))
    monkeypatch.setenv("SHIFTED_CLOCK", str(file))

    def set_wrong_by(seconds: float) -> None:
        fresh = file.with_suffix(".new")
        fresh.write_text(str(seconds))
        fresh.replace(file)

    return set_wrong_by


@pytest.fixture
def under_way(clock, operator, experiments, stub):
    """A study of 71 steps that take half a second each, a part of which are done."""
    stub.add(delay=0.5)
    experiments.create(tiny_study(seeds=list(range(4))))
    progressed(experiments, 8)
    return operator


def test_jumps_of_the_clock_by_an_hour(
    under_way, clock, cluster, namespace, experiments, assert_intact
):
    """S3 answers no request whose time is an hour off: that is said, nothing else happens."""
    user = f"system:serviceaccount:{namespace}:operator"
    lease = cluster.client.get(LEASE.format(namespace))["spec"]
    for wrong in (HOUR, -HOUR):
        mark, begun = cluster.audit.mark(), time.monotonic()
        clock(wrong)
        experiments.wait("Degraded", reason="StoreUnavailable", seconds=60)
        assert "set this machine's clock" in experiments.condition("Degraded")["message"]
        lasts(WRONG, lambda: assert_leading(under_way))
        asked = cluster.audit.since(mark, user=user)
        assert len(asked) < CALM * (time.monotonic() - begun), "it storms"
        clock(0)
        experiments.wait("Degraded", "False", seconds=90)
    after = cluster.client.get(LEASE.format(namespace))["spec"]
    assert after["holderIdentity"] == lease["holderIdentity"]
    assert after.get("leaseTransitions") == lease.get("leaseTransitions")
    assert_intact()


def test_a_clock_that_stays_wrong_by_ten_minutes_ahead_then_behind(
    under_way, clock, cluster, namespace, experiments, assert_intact
):
    lease = cluster.client.get(LEASE.format(namespace))["spec"]
    clock(10 * MINUTE)
    progressed(experiments, 35)
    clock(-10 * MINUTE)
    assert_intact()
    after = cluster.client.get(LEASE.format(namespace))["spec"]
    assert after["holderIdentity"] == lease["holderIdentity"]
    assert under_way.metrics()[LEADER] == 1


def assert_leading(operator) -> None:
    assert_alive(operator)
    assert operator.metrics()[LEADER] == 1
