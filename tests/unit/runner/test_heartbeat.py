"""The heartbeat writes what changed, and beats when nothing does."""

import threading

from clt_jobs.runner.heartbeat import Heartbeat


class Sink:
    def __init__(self, wanted: int) -> None:
        self.written, self.looks = [], 0
        self.wanted, self.enough = wanted, threading.Event()

    def write(self, figures):
        self.written.append(figures)
        if len(self.written) >= self.wanted:
            self.enough.set()

    def look(self):
        self.looks += 1


def test_changed_figures_are_written_once_and_merged():
    sink = Sink(1)
    with Heartbeat(sink.write, sink.look, quick=0.01, slow=60) as beat:
        beat.update({"done": 1, "total": 5})
        beat.update({"done": 2})
        assert sink.enough.wait(5)
    assert sink.written[-1] == {"done": 2, "total": 5}
    assert len(sink.written) <= 2
    assert sink.looks == 0


def test_it_beats_and_looks_without_any_change():
    sink = Sink(3)
    with Heartbeat(sink.write, sink.look, quick=0.01, slow=0.02):
        assert sink.enough.wait(5)
    assert sink.written[0] == {}
    assert sink.looks >= 2


def test_a_short_step_writes_nothing():
    sink = Sink(1)
    with Heartbeat(sink.write, sink.look) as beat:
        beat.update({"done": 1})
    assert sink.written == []


def test_a_store_that_fails_does_not_end_the_beat():
    sink = Sink(3)

    def write(figures):
        sink.write(figures)
        raise RuntimeError("no network")

    with Heartbeat(write, sink.look, quick=0.01, slow=0.02):
        assert sink.enough.wait(5)
