"""The side of the other ranks: they do as rank 0 says and exit as it does.

A follower claims nothing and writes nothing to the store: it reads the inputs, takes part in the
computation, tells what went wrong, and waits for the last word. Where the line to rank 0 breaks
without one, nothing was committed that it knows of: a fault that may pass.
"""

import logging
import os
import queue
import shutil
import threading
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from clt_jobs import registry
from clt_jobs.context import StopRequested
from clt_jobs.runner.context import RunnerContext
from clt_jobs.runner.environment import pin_environment
from clt_jobs.runner.faults import EXIT_CODES, classify, is_of_the_group
from clt_jobs.runner.group import Group
from clt_jobs.runner.heartbeat import Heartbeat
from clt_jobs.runner.lead import LOOK, PATIENCE
from clt_jobs.runner.line import HungUp, Line, Message, readable
from clt_jobs.runner.tee import Tee
from clt_jobs.runner.world import World
from clt_operator.api.errors import TransientError
from clt_operator.api.exit_codes import TRANSIENT
from clt_operator.api.kinds import parse_params
from clt_operator.api.step import Claim

if TYPE_CHECKING:
    from clt_jobs.runner.attempt import Runner

log = logging.getLogger("clt.runner")


@dataclass
class Part:
    """A step that this rank takes part in. ``chosen`` tells the state to resume from: a name,
    empty for none; None where rank 0 stopped before it chose."""

    key: str
    attempt: int
    port: int
    chosen: "queue.SimpleQueue[str | None]" = field(default_factory=queue.SimpleQueue)
    finished: bool = False  # here
    ended: bool = False  # by rank 0's word


@dataclass
class FollowerContext(RunnerContext):
    """Reads as rank 0's does and keeps nothing; the state to resume from is rank 0's choice."""

    chosen: "queue.SimpleQueue[str | None]" = field(default_factory=queue.SimpleQueue)

    def progress(self, **figures: float) -> None:
        pass

    def save_resume(self, name: str, directory: Path) -> None:
        pass

    def load_resume(self) -> Path | None:
        name = self.chosen.get()
        if name is None:
            raise TransientError("rank 0 has stopped")
        found = super().load_resume() if name else None
        if (found.name if found else "") != name:
            raise TransientError(f"the saved state {name} of rank 0 is not the newest any more")
        return found


class Follower:
    def __init__(self, runner: "Runner", world: World, line: Line) -> None:
        self.runner, self.world, self.line = runner, world, line
        self._group = Group(world)
        self._inbox: queue.SimpleQueue[Part | int] = queue.SimpleQueue()  # int: exit with it
        self._lock = threading.Lock()
        self._part: Part | None = None  # the latest
        self._leave_at: tuple[float, int] | None = None  # and the exit code
        self._tee = Tee(runner.scratch / "log.txt", runner.redact)

    def run(self) -> int:
        """Until rank 0's last word: the exit code."""
        with self._tee:
            threading.Thread(target=self._watch, daemon=True, name="rank 0").start()
            while not isinstance(told := self._inbox.get(), int):
                self._take_part(told)
            self.line.close()
            return told

    def _take_part(self, part: Part) -> None:
        folder = self.runner.scratch / f"{part.key[:16]}-{part.attempt:04d}"
        code = 0
        try:
            self._compute(part, folder)
            self.line.send(did="returned", key=part.key)
        except StopRequested:
            self.line.send(did="returned", key=part.key)
        except BaseException as error:
            code = self._tell(part, error)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        with self._lock:
            part.finished = True
            self._leave_at = None
            # Rank 0 may wait for this process inside a library that only notices when it is
            # gone: so it goes, unless rank 0 failed likewise and says so.
            if code and not part.ended:
                self._leave_at = time.monotonic() + PATIENCE, code

    def _compute(self, part: Part, folder: Path) -> None:
        document = self.runner.artifacts.document(part.key)
        hints = self.runner.hints.get(part.key, document.hints)
        pin_environment(document.kind, hints)
        params = parse_params(document.kind, document.version, document.params)
        function = registry.implementation(document.kind)
        folder.mkdir(parents=True)
        context = FollowerContext(
            document=document,
            hints=hints,
            claim=Claim(key=part.key, attempt=part.attempt, holder="", claimed_at=""),
            artifacts=self.runner.artifacts,
            inputs=self.runner.inputs,
            folder=folder,
            stop=self.runner.stop,
            heartbeat=Heartbeat(lambda _: None, lambda: None),  # never started
            superseded=lambda: False,
            chosen=part.chosen,
        )
        self._group.call(part.port)
        self._group.open()
        function(params, context)

    def _tell(self, part: Part, error: BaseException) -> int:
        """Says what went wrong; the exit code of it."""
        fault = classify(error)
        if is_of_the_group(error):
            log.warning("%s: cut off from other processes: %s", part.key[:12], fault.message)
            self.line.send(did="cut", key=part.key)
        else:
            traceback.print_exception(error)
            self.line.send(did="fault", key=part.key, outcome=fault.outcome, message=fault.message)
        return EXIT_CODES[fault.outcome] or TRANSIENT

    def _watch(self) -> None:
        """In a thread of its own: the line, the wish to stop, and the time to leave."""
        told = over = False
        messages = self.line.early
        while True:
            for message in messages:
                over = self._hear(message) or over
            if self.runner.stop.requested and not told:
                told = True
                self.line.send(did="stop")
            with self._lock:
                leaving = self._leave_at
            if leaving and time.monotonic() >= leaving[0]:
                self._leave(leaving[1], "rank 0 and this process did not stop together")
            try:
                messages = [] if over or not readable(self.line, LOOK) else self.line.read()
            except HungUp as error:
                self._leave(TRANSIENT, f"rank 0 is gone without a last word ({error})")
            if over:
                time.sleep(LOOK)

    def _hear(self, message: Message) -> bool:
        """True for the last word."""
        part = self._part
        match message.get("do"):
            case "work":
                number, port = int(message["attempt"]), int(message["port"])
                part = Part(str(message["key"]), number, port)
                with self._lock:
                    self._part = part
                self._inbox.put(part)
            case "resume" if part:
                part.chosen.put(str(message["name"]))
            case "ended" if part:
                part.chosen.put(None)
                # Other steps may follow: success is said by the last word alone.
                self._let_go(part, int(message["code"]) or TRANSIENT)
            case "end":
                if part:
                    part.chosen.put(None)
                    self._let_go(part, int(message["code"]))
                self._inbox.put(int(message["code"]))
                return True
        return False

    def _let_go(self, part: Part, code: int) -> None:
        """Rank 0 is done with the step; where this process is not, it has a moment."""
        with self._lock:
            part.ended = True
            self._leave_at = None if part.finished else (time.monotonic() + PATIENCE, code)

    def _leave(self, code: int, why: str) -> NoReturn:
        log.error("%s: %s", self.world.name(self.world.rank), why)
        with suppress(Exception):
            self._tee.close()
        os._exit(code)
