"""Rank 0's side of a world: says what is worked on, hears how the others fare, has the last word.

A fault that another rank tells is the fault of the attempt. A rank that goes without a word is
nobody's fault that is known here: the attempt is left to the driver, which sees how its pod
ended. Rank 0 itself is never left waiting for one that is gone, whatever library computes.
"""

import logging
import os
import selectors
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from clt_jobs.runner.faults import EXIT_CODES, Fault, gravest
from clt_jobs.runner.group import Group
from clt_jobs.runner.line import HungUp, Line, Message
from clt_jobs.runner.stop import Stop
from clt_jobs.runner.world import World

log = logging.getLogger("clt.runner")

PATIENCE = 5.0  # seconds for a rank that computes to notice by itself that others have stopped
LOOK = 0.5
GOODBYE = 10.0  # seconds for the others to hear the last word


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why ranks cannot go on together. ``silent``: one went without a word."""

    fault: Fault
    silent: bool = False


class Lead:
    def __init__(self, world: World, lines: dict[int, Line], stop: Stop) -> None:
        self.world, self.group = world, Group(world)
        self._lines, self._stop = lines, stop
        self._changed = threading.Condition()
        self._busy: set[int] = set()  # ranks that compute
        self._gone: set[int] = set()
        self._cut: set[int] = set()  # ranks for which the group broke
        self._faults: dict[int, Fault] = {}
        self._key = ""
        self._abandon: Callable[[Trouble], None] | None = None  # set while rank 0 computes
        self._leaving = False  # the attempt is abandoned and this process about to exit
        self._since = 0.0  # when trouble was seen first
        self._said_all = False
        self.broken = False  # no step can be worked on together any more
        self._watcher = threading.Thread(target=self._watch, daemon=True, name="ranks")
        self._watcher.start()

    @property
    def whole(self) -> bool:
        with self._changed:
            return not (self.broken or self._gone or self._cut)

    def begin(self, key: str, attempt: int, abandon: Callable[[Trouble], None]) -> None:
        """All ranks work on a step from now on. ``abandon`` records how the attempt ended where
        this process cannot: it waits in a library for one that is gone."""
        port = self.group.listen()
        with self._changed:
            self._busy = set(self._lines)
            self._key, self._faults, self._since = key, {}, 0.0
            self._abandon = abandon
        self._tell(do="work", key=key, attempt=attempt, port=port)
        self.group.open()

    def tell_resume(self, name: str) -> None:
        """Which saved state all ranks take up; empty for none."""
        self._tell(do="resume", name=name)

    def over(self) -> None:
        """Rank 0 computes no more. Where the attempt is being abandoned this does not return: how
        the attempt ended is decided once, and nothing is committed after that."""
        with self._changed:
            self._abandon = None
            while self._leaving:
                self._changed.wait()

    def trouble(self, seconds: float = PATIENCE) -> Trouble | None:
        """What broke the group, where the other ranks tell it in time."""
        with self._changed:
            self.broken = True
            self._changed.wait_for(lambda: self._faults or self._lost, seconds)
            return self._trouble()

    def ended(self, key: str, code: int) -> None:
        """The attempt has its outcome. Where it failed, the others are waited for, shortly."""
        self._tell(do="ended", key=key, code=code)
        if code == 0:
            return
        with self._changed:
            if not self._changed.wait_for(lambda: not self._busy - self._gone, 2 * PATIENCE):
                self.broken = True

    def end(self, code: int) -> None:
        """The last word, by which every other rank exits."""
        self._tell(do="end", code=code)
        self._said_all = True
        self._watcher.join(GOODBYE)

    @property
    def _lost(self) -> set[int]:
        return self._gone & self._busy

    def _trouble(self) -> Trouble | None:
        if self._faults:
            rank, fault = gravest(self._faults)
            return Trouble(Fault(fault.outcome, f"{self.world.name(rank)}: {fault.message}"))
        if self._lost:
            who = ", ".join(self.world.name(rank) for rank in sorted(self._lost))
            return Trouble(Fault("transient", f"{who} went without a word"), silent=True)
        if self._cut:
            return Trouble(Fault("transient", "the processes lost each other"))
        return None

    def _tell(self, **message: object) -> None:
        for line in self._lines.values():
            line.send(**message)

    def _watch(self) -> None:
        with selectors.DefaultSelector() as selector:
            for rank, line in self._lines.items():
                selector.register(line, selectors.EVENT_READ, rank)
                self._hear(rank, line.early)
            while selector.get_map() or not self._said_all:
                for event, _ in selector.select(LOOK):
                    line = self._lines[event.data]
                    try:
                        self._hear(event.data, line.read())
                    except HungUp:
                        selector.unregister(line)
                        self._lose(event.data)
                self._give_up_where_stuck()

    def _hear(self, rank: int, messages: list[Message]) -> None:
        with self._changed:
            for message in messages:
                match message.get("did"):
                    case "returned" | "fault" | "cut" if message.get("key") != self._key:
                        pass  # of an earlier step: late
                    case "returned":
                        self._busy.discard(rank)
                    case "fault":
                        self._busy.discard(rank)
                        self._faults[rank] = _fault(message)
                    case "cut":
                        self._busy.discard(rank)
                        self._cut.add(rank)
                    case "stop":
                        log.info("%s was asked to stop", self.world.name(rank))
                        self._stop.request()
            self._changed.notify_all()

    def _lose(self, rank: int) -> None:
        with self._changed:
            self._gone.add(rank)
            if rank in self._busy:
                log.warning("%s is gone", self.world.name(rank))
            self._changed.notify_all()

    def _give_up_where_stuck(self) -> None:
        """Ends this process where it has computed on for too long after others stopped."""
        with self._changed:
            trouble = self._trouble() if self._abandon else None
            if trouble is None:
                return
            self._since = self._since or time.monotonic()
            if time.monotonic() - self._since < PATIENCE:
                return
            abandon, self._abandon = self._abandon, None
            self._leaving = True
        log.error("stopped waiting: %s", trouble.fault.message)
        with suppress(Exception):
            if abandon:
                abandon(trouble)
        self._leave(EXIT_CODES[trouble.fault.outcome])

    def _leave(self, code: int) -> NoReturn:
        self._tell(do="end", code=code)
        time.sleep(LOOK)  # for the word to be read before the lines close
        os._exit(code)


def _fault(message: Message) -> Fault:
    told, text = message.get("outcome"), str(message.get("message"))
    return Fault(next((kind for kind in EXIT_CODES if kind == told), "failed"), text)
