"""What attempts that ended say of themselves, read after the fact and beside the work.

A tick learns from a manifest that a step is committed; how the attempt went (its times, what its
runner counted) is in its outcome, which is read here, on a thread of its own, so that no tick
waits for it. Every attempt is counted once: those that had ended when the study was first looked
at are old and count nowhere.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count

from clt_operator.api.errors import CltError
from clt_operator.api.step import Outcome, OutcomeKind
from clt_operator.api.times import seconds_between
from clt_operator.store.artifacts import Artifacts

log = logging.getLogger(__name__)

AGAIN = 5.0  # seconds before a second look for an outcome that was not there
TRIES = 12
MOST = 20_000  # endings that wait to be read; what comes on top counts without its figures
THREADS = 2
NAP = 0.2  # seconds between looks at the clock

Spend = Callable[[str, float], None]  # kind, seconds


@dataclass(frozen=True)
class Ended:
    """A step of which attempts ended. ``attempt`` is the last of them, ``old`` the last that had
    ended before this process looked."""

    place: tuple[str, str]
    uid: str  # of the experiment
    kind: str
    key: str
    attempt: int
    outcome: OutcomeKind
    artifacts: Artifacts
    old: dict[str, int]
    languages: frozenset[str] = frozenset()
    spend: Spend | None = None  # told how long attempts took, where that is asked for
    tries: int = 0


_Entry = tuple[float, int, Ended]  # when (monotonic), in which order, what


class Accounting:
    """``note`` is told of every attempt once: with its outcome, and how long it took."""

    def __init__(
        self,
        note: Callable[[Ended, Outcome, float | None], None],
        again: float = AGAIN,
    ) -> None:
        self._note, self._again = note, again
        self._queue: queue.PriorityQueue[_Entry] = queue.PriorityQueue(MOST)
        self._order = count()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        for at in range(THREADS):
            thread = threading.Thread(target=self._work, name=f"accounts-{at}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        self._stopping.set()

    def add(self, ended: Ended) -> None:
        self._put(0.0, ended)

    def _put(self, due: float, ended: Ended) -> None:
        try:
            self._queue.put_nowait((due, next(self._order), ended))
        except queue.Full:
            self._tell(ended, _bare(ended))

    def _work(self) -> None:
        while not self._stopping.is_set():
            try:
                due, _, ended = self._queue.get(timeout=1.0)
            except queue.Empty:
                continue
            if due > time.monotonic():  # and so is all the rest
                self._put(due, ended)
                self._stopping.wait(NAP)
                continue
            try:
                self.read(ended)
            except Exception:  # no account is worth a thread
                log.exception("the outcome of %s %s", ended.kind, ended.key[:12])

    def read(self, ended: Ended) -> None:
        """Reads the outcomes that are new, and tells them."""
        first = ended.old.get(ended.key, 0) + 1
        for number in range(first, ended.attempt + 1):
            try:
                outcome = ended.artifacts.outcome(ended.key, number)
            except CltError:  # the store is away
                outcome = None
            if outcome is None and number == ended.attempt:
                if ended.tries < TRIES:
                    later = time.monotonic() + self._again
                    self._put(later, replace(ended, tries=ended.tries + 1))
                    return
                outcome = _bare(ended)
            ended.old[ended.key] = number
            if outcome is not None:
                self._tell(ended, outcome)

    def _tell(self, ended: Ended, outcome: Outcome) -> None:
        seconds = seconds_between(outcome.started_at, outcome.ended_at)
        if seconds is None and ended.spend is not None:
            seconds = _since_claimed(ended, outcome)
        self._note(ended, outcome, seconds)
        if ended.spend is not None and seconds is not None:
            ended.spend(ended.kind, seconds)


def _bare(ended: Ended) -> Outcome:
    return Outcome(key=ended.key, attempt=ended.attempt, outcome=ended.outcome)


def _since_claimed(ended: Ended, outcome: Outcome) -> float | None:
    """Of an attempt whose runner could not say when it began."""
    try:
        states = ended.artifacts.attempts(ended.key)
    except CltError:
        return None
    claimed = (s.claim.claimed_at for s in states if s.claim.attempt == outcome.attempt)
    return seconds_between(next(claimed, ""), outcome.ended_at)
