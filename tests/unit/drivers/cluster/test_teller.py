"""Statuses are written where they changed, seldom where only counts did, and turns are events."""

from collections import deque
from typing import Any

import pytest

from clt_operator.drivers.cluster.status import Fact, Facts
from clt_operator.drivers.cluster.teller import TELL, Teller
from clt_operator.reconcile import Decision, Status

ITEM = {"metadata": {"name": "study", "generation": 1}}


class Told:
    """A teller whose writes and events are kept, and whose clock a test turns."""

    def __init__(self) -> None:
        self.now = 0.0
        self.written: list[dict[str, Any]] = []
        self.events: deque[str] = deque()
        self.teller = Teller(
            publish=lambda _item, status: self.written.append(status),
            events=self,
            leads=lambda: True,
            clock=lambda: self.now,
        )

    def record(self, _regarding: object, _type: str, reason: str, _note: str) -> None:
        self.events.append(reason)

    def tell(self, phase: str = "Running", **counts: int) -> float | None:
        decision = Decision((), Status({"train": counts}, (), None))  # type: ignore[dict-item]
        suspended = Fact("True" if phase == "Suspended" else "False", "SuspendedBySpec")
        facts = Facts(phase, {"Suspended": suspended}, {}, decision)
        item = {**ITEM, "status": self.written[-1] if self.written else {}}
        return self.teller.tell(item, facts, busy=False)


@pytest.fixture
def told() -> Told:
    return Told()


def test_a_look_at_which_nothing_changed_writes_nothing(told):
    told.tell(queued=2, running=1)
    for later in (0.0, 10.0, 1000.0):
        told.now = later
        assert told.tell(queued=2, running=1) is None
    assert len(told.written) == 1


def test_pods_that_start_one_by_one_cost_a_write_a_second_at_most(told):
    told.tell(queued=50)
    for at in range(1, 51):
        told.now = at * TELL / 10
        told.tell(queued=50 - at, running=at)
    assert len(told.written) <= 1 + 50 / 10
    told.now += TELL
    assert told.tell(running=50) is None
    assert told.written[-1]["counts"] == [{"kind": "train", "running": 50}]


def test_a_study_that_goes_on_after_its_suspension_leaves_an_event(told):
    told.tell("Suspended", ready=1)
    told.tell("Running", ready=1)
    told.now += TELL
    told.tell("Running", queued=1)
    assert list(told.events) == ["SuspendedBySpec", "Resumed"]


def test_a_study_that_begins_is_not_told_as_resumed(told):
    told.tell("Running", ready=1)
    assert not told.events
