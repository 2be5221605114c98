"""How ranks come together: in any order, without strangers, and not for ever."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from support.worlds import free_port

from clt_jobs.context import StopRequested
from clt_jobs.runner.line import HungUp, Line
from clt_jobs.runner.rendezvous import gather, join
from clt_jobs.runner.stop import Stop
from clt_jobs.runner.world import World
from clt_operator.api.errors import TransientError

KEYS = ["a" * 64]


@pytest.fixture
def world():
    return World(nodes=3, address="127.0.0.1", port=free_port(), rendezvous_seconds=30)


@pytest.fixture
def threads():
    with ThreadPoolExecutor(4) as pool:
        yield pool


def of(world, node):
    return replace(world, node=node)


@pytest.mark.parametrize("first_calls", [True, False], ids=["calls first", "listens first"])
def test_ranks_come_together_in_any_order(world, threads, first_calls):
    def rank(node):
        return threads.submit(join, of(world, node), KEYS, Stop())

    calling = [rank(1), rank(2)] if first_calls else []
    listening = threads.submit(gather, world, KEYS, Stop())
    calling = calling or [rank(2), rank(1)]
    lines = listening.result()
    for node, called in enumerate(calling if first_calls else calling[::-1], 1):
        lines[node].send(do="end", code=node)
        assert called.result().answer(5) == {"do": "end", "code": node}


def test_strangers_are_sent_away(world, threads):
    listening = threads.submit(gather, world, KEYS, Stop())
    other_steps = replace(of(world, 1), rendezvous_seconds=2)
    with pytest.raises(TransientError, match="works on other steps"):
        join(other_steps, ["b" * 64], Stop())
    with socket.create_connection((world.address, world.port)) as noise:
        noise.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert noise.recv(100) == b""
    for node in (1, 2):
        join(of(world, node), KEYS, Stop())
    assert set(listening.result()) == {1, 2}


def test_a_rank_that_starts_again_takes_its_place(world, threads):
    listening = threads.submit(gather, world, KEYS, Stop())
    join(of(world, 1), KEYS, Stop()).close()
    again = join(of(world, 1), KEYS, Stop())
    join(of(world, 2), KEYS, Stop())
    listening.result()[1].send(do="end", code=0)
    assert again.answer(5) == {"do": "end", "code": 0}


def test_waiting_has_an_end_that_names_who_did_not_come(world, threads):
    short = replace(world, rendezvous_seconds=2)
    listening = threads.submit(gather, short, KEYS, Stop())
    waiting = join(of(world, 1), KEYS, Stop())
    with pytest.raises(TransientError, match=r"rank 2 \(node 2\) did not come within 2 s"):
        listening.result()
    assert waiting.answer(5) == {"do": "end", "code": 74}, "who came is told"
    with pytest.raises(TransientError, match=r"rank 0 at 127.0.0.1:\d+ does not answer .* 1 s"):
        join(replace(of(world, 1), rendezvous_seconds=1), KEYS, Stop())


@pytest.mark.parametrize("wait", [gather, join])
def test_a_wish_to_stop_ends_the_waiting(world, threads, wait):
    stop = Stop()
    waiting = threads.submit(wait, of(world, 0 if wait is gather else 1), KEYS, stop)
    stop.request()
    with pytest.raises(StopRequested):
        waiting.result()


def test_messages_that_come_at_once_are_all_heard():
    here, there = socket.create_server(("127.0.0.1", 0)), None
    with here:
        there = Line(socket.create_connection(here.getsockname()))
        line = Line(here.accept()[0])
    for number in range(3):
        there.send(number=number)
    threading.Thread(target=there.close).start()
    heard = [line.answer(5), *line.early]
    while len(heard) < 3:
        heard += line.read()
    assert [message["number"] for message in heard] == [0, 1, 2]
    with pytest.raises(HungUp):
        line.read()
