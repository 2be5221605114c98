"""A rank that computes on after rank 0 is done with the step leaves, with the truth."""

import queue
import socket
import threading
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from clt_jobs.runner import follow as following
from clt_jobs.runner.follow import Follower
from clt_jobs.runner.line import Line
from clt_jobs.runner.stop import Stop
from clt_jobs.runner.world import World

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


@pytest.fixture
def lines():
    """Both ends: rank 0's, and the follower's."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        own = Line(socket.create_connection(server.getsockname()))
        yield Line(server.accept()[0]), own


@pytest.fixture
def left(lines, tmp_path, monkeypatch):
    """The exit codes of a follower that never comes back from its computation."""
    codes, for_ever = queue.SimpleQueue(), threading.Event()

    def leave(_self, code, _why):
        codes.put(code)
        raise SystemExit  # of the watching thread

    monkeypatch.setattr(following, "PATIENCE", 0.2)
    monkeypatch.setattr(following, "Tee", lambda *_: nullcontext())
    monkeypatch.setattr(Follower, "_compute", lambda *_: for_ever.wait(30))
    monkeypatch.setattr(Follower, "_leave", leave)
    runner = SimpleNamespace(scratch=tmp_path, redact=str, stop=Stop())
    follower = Follower(runner, World(nodes=2, node=1), lines[1])
    thread = threading.Thread(target=follower.run, daemon=True)
    thread.start()
    lines[0].send(do="work", key="k", attempt=1, port=1)
    yield codes
    lines[0].send(do="end", code=0)
    for_ever.set()
    thread.join(10)


@pytest.mark.parametrize(("code", "leaves_with"), [(0, 74), (65, 65)])
def test_success_of_a_step_is_not_the_last_word(lines, left, code, leaves_with):
    lines[0].send(do="ended", key="k", code=code)
    assert left.get(timeout=10) == leaves_with


def test_with_the_last_word_it_exits_as_rank_0_does(lines, left):
    lines[0].send(do="end", code=0)
    assert left.get(timeout=10) == 0
