"""The first process of a pod: passes signals on, buries its children, tells the truth of them."""

import os
import signal
import subprocess
import sys
import textwrap

import pytest

PARENT = """
import ctypes, sys
from clt_jobs.runner.launch import Launch
from clt_jobs.runner.stop import Stop
from clt_jobs.runner.world import World
node, child = int(sys.argv[1]), sys.argv[2]
world = World(nodes=2, per_node=2, node=node, address="nowhere")
if sys.argv[3:]:
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
stop = Stop()
stop.listen()
sys.exit(Launch(world, [sys.executable, "-c", child]).run(stop))
"""
CHILD = """
import os, signal, sys, time
rank = int(sys.argv[-1])
def wait(code=0):
    signal.signal(signal.SIGTERM, lambda *_: os._exit(75))
    print(rank, os.getpid(), flush=True)
    while os.read(0, 1):
        pass
    print("input ended", flush=True)
    os._exit(code)
"""


def start(child, node=0, *options):
    """A pod of two ranks that run ``child``, which knows its local ``rank``."""
    return subprocess.Popen(
        [sys.executable, "-c", PARENT, str(node), CHILD + textwrap.dedent(child), *options],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def code_of(child, node=0, *, subreaper=False):
    pod = start(child, node, *["subreaper"] * subreaper)
    pod.communicate(timeout=60)
    return pod.returncode


@pytest.mark.parametrize(
    ("child", "node", "code"),
    [
        ("sys.exit(0)", 0, 0),
        ("sys.exit(65)", 1, 65),
        ("sys.exit([75, 74][rank])", 1, 74),
        ("sys.exit([0, 74][rank])", 0, 0),  # rank 0 committed
        ("sys.exit([0, 74][rank])", 1, 74),
        ("sys.exit(3)", 0, 1),
        ("os.kill(os.getpid(), signal.SIGKILL)", 0, 74),
        ("os.kill(os.getpid(), signal.SIGSEGV)", 0, 1),
        ("os.kill(os.getpid(), signal.SIGRTMIN + 2)", 0, 1),  # a signal without a name
    ],
)
def test_promise_exit_codes_of_a_pod_of_several_ranks(child, node, code):
    assert code_of(child, node) == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_every_rank_once(number):
    pod = start(f"signal.signal(signal.SIGINT, lambda *_: os._exit({75}))\nwait()")
    for _ in range(2):
        pod.stdout.readline()
    pod.send_signal(number)
    pod.communicate(timeout=60)
    assert pod.returncode == 75


def test_a_second_signal_ends_ranks_that_do_not_listen():
    deaf = """
        from clt_jobs.runner.stop import Stop
        Stop().listen()
        print(rank, flush=True)
        while True:
            time.sleep(1)
        """
    pod = start(deaf)
    for _ in range(2):
        pod.stdout.readline()
    pod.send_signal(signal.SIGTERM)
    pod.send_signal(signal.SIGINT)
    pod.communicate(timeout=60)
    assert pod.returncode in (128 + signal.SIGTERM, 128 + signal.SIGINT)


def test_ranks_see_the_end_of_a_parent_that_is_killed():
    pod = start("wait()")
    for _ in range(2):
        pod.stdout.readline()
    pod.kill()
    said, _ = pod.communicate(timeout=60)
    assert said.count("input ended") == 2


def test_orphans_are_buried():
    """Of a container, the first process takes in what its descendants leave behind."""
    orphan = """
        if rank == 1:
            sys.exit(0)
        reading, writing = os.pipe()
        if os.fork() == 0:
            orphan = os.fork()
            if orphan:
                os.write(writing, str(orphan).encode())
            os._exit(0)
        os.wait()
        orphan = int(os.read(reading, 20))
        while os.path.exists(f"/proc/{orphan}"):  # a zombie, until it is buried
            time.sleep(0.01)
        """
    assert code_of(orphan, subreaper=True) == 0
