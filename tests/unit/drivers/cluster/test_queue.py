"""Work is done by one at a time, once for many wishes, and later after failures."""

from clt_operator.drivers.cluster.queue import LONGEST_PAUSE, WorkQueue


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_is_asked_for_twice_is_done_once():
    queue = WorkQueue[str]()
    queue.add("a")
    queue.add("a")
    assert queue.take(0) == "a"
    queue.done("a")
    assert queue.take(0) is None


def test_what_is_asked_for_meanwhile_is_done_again_and_never_twice_at_once():
    queue = WorkQueue[str]()
    queue.add("a")
    assert queue.take(0) == "a"
    queue.add("a")
    assert queue.take(0) is None
    queue.done("a")
    assert queue.take(0) == "a"


def test_the_earliest_of_several_times_counts():
    clock = Clock()
    queue = WorkQueue[str](clock)
    queue.add_after("a", 10)
    queue.add_after("a", 5)
    queue.add_after("a", 20)
    clock.now = 4.9
    assert queue.take(0) is None
    clock.now = 5
    assert queue.take(0) == "a"
    queue.done("a")
    clock.now = 100
    assert queue.take(0) is None


def test_failures_wait_longer_each_time_up_to_a_limit():
    queue = WorkQueue[str](Clock())
    pauses = [queue.failed("a") for _ in range(12)]
    assert pauses[0] <= 0.5
    assert pauses[0] < pauses[3] < pauses[6]
    assert LONGEST_PAUSE / 2 <= pauses[-1] <= LONGEST_PAUSE
    queue.succeeded("a")
    assert queue.failed("a") <= 0.5


def test_what_waits_is_forgotten_where_another_leads():
    queue = WorkQueue[str]()
    queue.add("a")
    queue.add_after("b", 0)
    queue.clear()
    assert queue.take(0) is None
    assert len(queue) == 0
