"""How the ranks of a world come together: rank 0 listens, the others call until it answers.

Pods start at different times and names are known late, so a call that fails is repeated until
the world's time is over. Who calls says which rank it is and what it is here for; a stranger is
sent away.
"""

import logging
import socket
import time
from collections.abc import Sequence

from clt_jobs.context import StopRequested
from clt_jobs.runner.line import HungUp, Line
from clt_jobs.runner.stop import Stop
from clt_jobs.runner.world import HERE, RENDEZVOUS_SECONDS, World
from clt_operator.api.errors import TransientError
from clt_operator.api.exit_codes import SAVED_ON_REQUEST, TRANSIENT

log = logging.getLogger("clt.runner")

AGAIN = 1.0  # seconds between two calls
PATIENT = 5.0  # seconds for the first words of a line
ANSWER = 30.0  # seconds for rank 0 to say welcome
SAY_EVERY = 30.0  # seconds between two lines of the log while waiting


def gather(world: World, keys: Sequence[str], stop: Stop) -> dict[int, Line]:
    """Rank 0: lines to all the other ranks.

    Raises TransientError where they do not all come in time, StopRequested when asked to stop.
    """
    lines: dict[int, Line] = {}
    wait = _Wait(world, stop)
    with _listen(world) as server:
        server.settimeout(AGAIN)
        while len(lines) < world.size - 1:
            missing = [rank for rank in range(1, world.size) if rank not in lines]
            try:
                wait.go_on(f"{_names(world, missing)} did not come")
                line = Line(server.accept()[0])
            except TimeoutError:
                continue
            except (StopRequested, TransientError) as error:
                stopped = isinstance(error, StopRequested)
                for line in lines.values():
                    line.send(do="end", code=SAVED_ON_REQUEST if stopped else TRANSIENT)
                raise
            rank = _welcome(line, world, list(keys))
            if rank is not None:
                if rank in lines:  # it started again: the line before is dead
                    lines[rank].close()
                lines[rank] = line
    log.info("%d processes on %d nodes are together", world.size, world.nodes)
    return lines


def join(world: World, keys: Sequence[str], stop: Stop) -> Line:
    """Another rank: its line to rank 0. Raises as ``gather`` does."""
    wait = _Wait(world, stop)
    where = f"rank 0 at {world.address}:{world.port}"
    why = "no call yet"
    while True:
        wait.go_on(f"{where} does not answer ({why})")
        try:
            line = Line(socket.create_connection((world.address, world.port), PATIENT))
        except OSError as error:  # its name is not known yet, or it does not listen yet
            why = str(error)
            stop.wait(AGAIN)
            continue
        line.send(rank=world.rank, meeting=world.meeting(list(keys)))
        try:
            answer = line.answer(ANSWER)
        except HungUp as error:
            line.close()
            why = f"the line broke: {error}"
            stop.wait(AGAIN)
            continue
        if answer.get("welcome") is True:
            return line
        line.close()
        why = str(answer.get("refused"))
        stop.wait(AGAIN)


class _Wait:
    """The time that a world has to come together."""

    def __init__(self, world: World, stop: Stop) -> None:
        self._world, self._stop = world, stop
        self._began = self._said = time.monotonic()

    @property
    def left(self) -> float:
        return self._world.rendezvous_seconds - (time.monotonic() - self._began)

    def go_on(self, what: str) -> None:
        if self._stop.requested:
            raise StopRequested("stopped before all processes came together")
        if self.left <= 0:
            raise TransientError(
                f"{what} within {self._world.rendezvous_seconds:.0f} s: see the other pods of "
                f"this Job and its headless Service; {RENDEZVOUS_SECONDS} sets the time"
            )
        if time.monotonic() - self._said >= SAY_EVERY:
            self._said = time.monotonic()
            log.info("%s yet; %.0f s are left", what, self.left)


def _listen(world: World) -> socket.socket:
    if world.nodes == 1 or world.address in (HERE, "localhost"):
        return socket.create_server((HERE, world.port))
    if socket.has_dualstack_ipv6():
        return socket.create_server(("", world.port), family=socket.AF_INET6, dualstack_ipv6=True)
    return socket.create_server(("", world.port))


def _welcome(line: Line, world: World, keys: list[str]) -> int | None:
    """The rank of who calls; None where it does not belong here."""
    try:
        told = line.answer(PATIENT)
    except HungUp:
        line.close()
        return None
    rank = told.get("rank")
    others = told.get("meeting") != world.meeting(keys)
    if others or not isinstance(rank, int) or not 0 < rank < world.size:
        line.send(refused="it works on other steps, or in a world of another size")
        line.close()
        return None
    line.send(welcome=True)
    return rank


def _names(world: World, ranks: list[int]) -> str:
    shown = ", ".join(world.name(rank) for rank in ranks[:4])
    return shown if len(ranks) <= 4 else f"{shown} and {len(ranks) - 4} more"
