"""The first process of a pod with several ranks: starts them, passes signals on, buries them.

It is process 1 of its container, so it takes in orphans, too, and computes nothing itself: a
rank that hangs inside a library can always be ended. Whether the others can go on without a rank
is rank 0's to say; this process only sees to it that none outlives the one that decides.
"""

import logging
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from clt_jobs.runner.faults import FAILED, SEVERITY, worst
from clt_jobs.runner.stop import SIGNALS, Stop
from clt_jobs.runner.world import World
from clt_operator.api.exit_codes import COMMITTED, TRANSIENT

log = logging.getLogger("clt.runner")

AFTER_LAST_WORD = 20.0  # seconds for the other ranks once rank 0 has ended in this pod
AFTER_ANY = 120.0  # the same where rank 0 is in another pod and a rank of this one failed
LOOK = 1.0
CGROUP_EVENTS = (
    Path("/sys/fs/cgroup/memory.events"),
    Path("/sys/fs/cgroup/memory/memory.oom_control"),
)
TERMINATION_LOG = Path("/dev/termination-log")  # what Kubernetes shows of a container's end


class Launch:
    """``command`` starts a rank, by ``--local-rank N`` behind it."""

    def __init__(self, world: World, command: Sequence[str]) -> None:
        self._world, self._command = world, list(command)
        self._running: dict[int, int] = {}  # process id → local rank
        self._codes: dict[int, int] = {}  # local rank → exit code as ``os`` gives it
        self._asked = 0  # the signal that was passed on last
        self._oom = oom_kills()
        self._kill_at: float | None = None

    def run(self, stop: Stop) -> int:
        """Until every rank has ended: the exit code of the pod."""
        watched = {*SIGNALS, signal.SIGCHLD}
        signal.pthread_sigmask(signal.SIG_BLOCK, watched)
        for local in range(self._world.per_node):
            self._start(local)
        if stop.requested:  # before signals were blocked
            self._pass_on(signal.SIGTERM)
        while self._running:
            heard = signal.sigtimedwait(watched, LOOK)
            if heard is not None and heard.si_signo in SIGNALS:
                self._pass_on(heard.si_signo)
            self._bury()
            if self._kill_at is not None and time.monotonic() >= self._kill_at:
                self._pass_on(signal.SIGKILL)
                self._kill_at = None
        return self._code()

    def _start(self, local: int) -> None:
        """A session of its own: a Ctrl-C of the terminal comes once, through this process. Its
        input is a pipe that ends with this process, whatever becomes of it."""
        reading, writing = os.pipe()
        os.set_inheritable(writing, False)
        pid = os.posix_spawn(
            self._command[0],
            [*self._command, "--local-rank", str(local)],
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, reading, 0)],
            setsigmask=[],
            setsid=True,
        )
        os.close(reading)
        self._running[pid] = local

    def _pass_on(self, number: int) -> None:
        for pid in self._running:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        if number in SIGNALS:
            self._asked = number

    def _bury(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self._running:
                self._ended(self._running.pop(pid), os.waitstatus_to_exitcode(status))

    def _ended(self, local: int, code: int) -> None:
        self._codes[local] = code
        if code < 0:
            rank = self._world.node * self._world.per_node + local
            _say(f"{self._world.name(rank)} was killed by {_name(-code)}")
        if self._world.node > 0 and code:
            self._end_rest(AFTER_ANY)
        elif self._world.node == 0 and local == 0:
            self._end_rest(AFTER_LAST_WORD)

    def _end_rest(self, seconds: float) -> None:
        if self._kill_at is None:
            self._kill_at = time.monotonic() + seconds

    def _code(self) -> int:
        """Rank 0's success is the success of all; else the worst of what happened here."""
        codes = list(self._codes.values())
        if self._world.node == 0 and self._codes[0] == COMMITTED:
            return COMMITTED
        if self._asked and -self._asked in codes:
            return 128 + self._asked  # asked twice: it went at once, as if unhandled
        return worst([self._meaning(code) for code in codes])

    def _meaning(self, code: int) -> int:
        if code in SEVERITY:
            return code
        by_nobody_known = code == -signal.SIGKILL and oom_kills() == self._oom
        return TRANSIENT if by_nobody_known else FAILED


def _name(number: int) -> str:
    """Of a signal; those for real time have none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _say(text: str) -> None:
    log.error("%s", text)
    if TERMINATION_LOG.exists():
        with suppress(OSError):
            TERMINATION_LOG.write_text(text)


def oom_kills() -> int:
    """Processes of this container that the kernel killed for want of memory; 0 if untold."""
    for file in CGROUP_EVENTS:
        with suppress(OSError):
            lines = file.read_text().splitlines()
            return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    return 0
