"""What rank 0 makes of what it hears from the others, and of their silence."""

import socket
import threading

import pytest

from clt_jobs.runner import lead as leading
from clt_jobs.runner.lead import Lead
from clt_jobs.runner.line import Line
from clt_jobs.runner.stop import Stop
from clt_jobs.runner.world import World


class NoGroup:
    backend = "none"

    def __init__(self, _world):
        pass

    def listen(self):
        return 1

    def open(self):
        pass


class Lines:
    """Both ends of the lines to ranks 1 and 2."""

    def __init__(self):
        self.own, self.theirs = {}, {}
        with socket.create_server(("127.0.0.1", 0)) as server:
            for rank in (1, 2):
                self.theirs[rank] = Line(socket.create_connection(server.getsockname()))
                self.own[rank] = Line(server.accept()[0])


@pytest.fixture
def lines():
    return Lines()


@pytest.fixture
def stop():
    return Stop()


@pytest.fixture
def lead(lines, stop, monkeypatch):
    monkeypatch.setattr(leading, "Group", NoGroup)
    monkeypatch.setattr(leading, "PATIENCE", 1.0)
    made = Lead(World(nodes=3), lines.own, stop)
    yield made
    for line in lines.theirs.values():
        line.close()
    made.end(0)


def begin(lead, abandon=lambda _trouble: None):
    lead.begin("k", 4, abandon)


def test_all_are_told_what_to_work_on(lead, lines):
    begin(lead)
    for line in lines.theirs.values():
        assert line.answer(5) == {"do": "work", "key": "k", "attempt": 4, "port": 1}


def test_the_gravest_fault_is_the_one_and_its_rank_is_named(lead, lines):
    begin(lead)
    lines.theirs[1].send(did="fault", key="k", outcome="transient", message="disk full")
    lines.theirs[2].send(did="fault", key="k", outcome="input-at-fault", message="row 3")
    lead.ended("k", 65)  # waits until both have spoken
    trouble = lead.trouble(5)
    assert (trouble.fault.outcome, trouble.silent) == ("input-at-fault", False)
    assert trouble.fault.message == "rank 2 (node 2): row 3"


def test_a_rank_that_goes_without_a_word_is_known_to_be_gone_and_no_more(lead, lines):
    begin(lead)
    lines.theirs[2].send(did="cut", key="k")
    lines.theirs[1].close()
    trouble = lead.trouble(5)
    assert (trouble.fault.outcome, trouble.silent) == ("transient", True)
    assert not lead.whole


def test_a_rank_that_had_returned_may_go(lead, lines):
    begin(lead)
    for line in lines.theirs.values():
        line.send(did="returned", key="k")
        line.close()
    lead.ended("k", 75)
    assert lead.trouble(0.1) is None


def test_what_is_said_of_an_earlier_step_is_not_of_this(lead, lines):
    begin(lead)
    lines.theirs[1].send(did="fault", key="earlier", outcome="failed", message="late")
    lines.theirs[1].send(did="returned", key="k")
    lines.theirs[2].send(did="returned", key="k")
    lead.ended("k", 75)
    assert lead.trouble(0.1) is None


def test_a_wish_to_stop_reaches_rank_0(lead, lines, stop):
    lines.theirs[2].send(did="stop")
    stop.wait(5)
    assert stop.requested


def test_who_waits_inside_a_library_is_ended_with_the_truth(lead, lines, monkeypatch):
    left, ended = [], threading.Event()

    def leave(code):
        left.append(code)
        ended.set()

    monkeypatch.setattr(lead, "_leave", leave)
    told = []
    begin(lead, told.append)
    lines.theirs[1].send(did="fault", key="k", outcome="input-at-fault", message="row 3")
    assert ended.wait(10)
    assert left == [65]
    assert [trouble.fault.message for trouble in told] == ["rank 1 (node 1): row 3"]


def test_promise_one_outcome_nothing_is_committed_once_the_attempt_is_abandoned(
    lead, lines, monkeypatch
):
    """Rank 0 was only slow: its computation returns while the outcome is being recorded."""
    said, recording, recorded = [], threading.Event(), threading.Event()
    left = threading.Event()

    def abandon(trouble):
        recording.set()
        recorded.wait(10)
        said.append(trouble.fault.outcome)

    def compute_on():
        lead.over()
        said.append("committed")

    monkeypatch.setattr(lead, "_leave", lambda _code: left.set())
    begin(lead, abandon)
    lines.theirs[1].send(did="fault", key="k", outcome="transient", message="disk full")
    assert recording.wait(10)
    thread = threading.Thread(target=compute_on, daemon=True)
    thread.start()
    recorded.set()
    assert left.wait(10)
    thread.join(0.5)
    assert (said, thread.is_alive()) == (["transient"], True)


def test_nothing_is_ended_that_computes_no_more(lead, lines, monkeypatch):
    monkeypatch.setattr(lead, "_leave", lambda code: pytest.fail(f"left with {code}"))
    begin(lead, lambda _trouble: pytest.fail("abandoned"))
    lead.over()
    lines.theirs[1].close()
    assert lead.trouble(5).silent
