"""Steps that a Job was made for a moment ago, which no watch shows yet.

Two studies of a namespace that want the same steps may batch them differently. For the time in
which the Job of one is not seen by the other, the other leaves its steps alone.
"""

import threading
import time
from collections.abc import Callable, Sequence

KEPT = 10.0  # seconds, in which the watch shows what was made

Place = tuple[str, str]  # namespace, key


class Reservations:
    """Shared by all studies of a process; safe to share between threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._taken: dict[Place, tuple[str, str, float]] = {}  # owner, Job, until; oldest first

    def take(self, namespace: str, keys: Sequence[str], owner: str, job: str) -> bool:
        """False where another owner just made another Job for one of the keys."""
        now = self._clock()
        with self._lock:
            self._forget(now)
            found = [self._taken.get((namespace, key)) for key in keys]
            others = [taken for taken in found if taken and taken[0] != owner]
            if any(taken[1] != job for taken in others):
                return False
            if not others:
                for key in keys:
                    self._taken.pop((namespace, key), None)
                    self._taken[namespace, key] = (owner, job, now + KEPT)
            return True

    def drop(self, namespace: str, keys: Sequence[str], owner: str) -> None:
        """What the owner holds of these keys is free again: the Job ended, or was not made."""
        with self._lock:
            for key in keys:
                if self._taken.get((namespace, key), ("",))[0] == owner:
                    del self._taken[namespace, key]

    def _forget(self, now: float) -> None:
        while self._taken:
            place = next(iter(self._taken))
            if self._taken[place][2] > now:
                return
            del self._taken[place]
