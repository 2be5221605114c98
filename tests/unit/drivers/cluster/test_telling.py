"""The time left: by the pace of what ended, and by weight for kinds that none has ended of."""

from types import SimpleNamespace
from typing import Any

import pytest

from clt_operator.drivers.cluster.jobs import Seen
from clt_operator.drivers.cluster.telling import _left
from clt_operator.reconcile import Decision, Status
from clt_operator.reconcile.index import KIND_WEIGHTS


def left(means: dict[str, float], running: int, **counts: dict[str, int]) -> float | None:
    view = SimpleNamespace(mean_seconds=means.get)
    seen = Seen(in_flight={f"job{at}": () for at in range(running + 1)}, queued={"job0"})
    decision = Decision((), Status(counts, (), None))  # type: ignore[arg-type]
    driven: Any = SimpleNamespace(view=view)
    return _left(driven, seen, decision)


def test_nothing_is_said_before_anything_ended():
    assert left({}, 2, train={"ready": 3}) is None


def test_steps_that_wait_take_as_long_as_those_that_ended():
    waiting = {"ready": 1, "queued": 1, "running": 1, "done": 5}
    assert left({"train": 60.0}, 1, train=waiting) == 180.0
    assert left({"train": 60.0}, 3, train=waiting) == 60.0


def test_a_kind_of_which_none_ended_counts_by_its_weight():
    expected = 60.0 * KIND_WEIGHTS["generate"] / KIND_WEIGHTS["train"] * 4
    found = left({"train": 60.0}, 1, train={"done": 5}, generate={"pending": 4})
    assert found == pytest.approx(expected)
