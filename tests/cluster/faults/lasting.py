"""For faults that last: what is asked of an operator all the while."""

import threading
import time
from collections.abc import Callable

from cluster.harness.experiments import Experiments
from cluster.harness.operator import Operator
from cluster.harness.waiting import until

LEADER = "clt_operator_leader"
STOPS_LEADING = 20  # seconds after which a leader that cannot renew has to have stopped
LEADS_AGAIN = 60  # seconds; the lease of a leader that was killed runs out first


def progressed(experiments: Experiments, steps: int) -> int:
    """Waits until at least so many steps are done; returns how many are."""

    def done() -> int | None:
        text = str(experiments.status().get("done", "0/0"))
        count = int(text.partition("/")[0])
        assert count >= steps, text
        return count or None

    return until(done, 90, what=f"{steps} steps are done")


def lasts(seconds: float, check: Callable[[], object], *, since: float = 0.0) -> None:
    """Lets a fault last (from a monotonic time on, else from now), and checks all the while."""
    end = (since or time.monotonic()) + seconds
    pause = threading.Event()
    while time.monotonic() < end:
        check()
        pause.wait(1)


def assert_alive(operator: Operator) -> None:
    assert operator.running
    assert operator.status("/healthz") == 200


def stops_leading(operator: Operator) -> None:
    until(lambda: not operator.metrics()[LEADER], STOPS_LEADING, what="the leader has stopped")


def leads_again(operator: Operator) -> None:
    until(lambda: operator.metrics()[LEADER] == 1, LEADS_AGAIN, what="it leads again")
