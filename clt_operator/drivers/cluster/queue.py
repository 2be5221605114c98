"""Work that is wanted again and again, each piece by one worker at a time.

What is asked for twice before it is begun is done once; what is asked for while it is done is
done once more afterwards. Failures wait longer each time, with jitter.
"""

import heapq
import random
import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0  # seconds after a failure

K = TypeVar("K", bound=Hashable)


class WorkQueue(Generic[K]):
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._ready: dict[K, float] = {}  # in order; since when each waits
        self._later: list[tuple[float, int, K]] = []
        self._due: dict[K, float] = {}  # the earliest time of each in ``_later``
        self._count = 0
        self._working: set[K] = set()
        self._again: set[K] = set()
        self._failures: dict[K, int] = {}

    def add(self, key: K) -> None:
        with self._changed:
            self._put(key)

    def add_after(self, key: K, seconds: float) -> None:
        """Not before so long; what is wanted earlier stays so."""
        with self._changed:
            due = self._clock() + seconds
            if self._due.get(key, float("inf")) <= due:
                return
            self._due[key] = due
            self._count += 1
            heapq.heappush(self._later, (due, self._count, key))
            self._changed.notify()

    def failed(self, key: K) -> float:
        """Asks for it again after a pause that grows; returns the pause."""
        with self._changed:
            times = self._failures[key] = self._failures.get(key, 0) + 1
        top = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(times - 1, 12))
        pause = random.uniform(top / 2, top)  # noqa: S311
        self.add_after(key, pause)
        return pause

    def succeeded(self, key: K) -> None:
        with self._changed:
            self._failures.pop(key, None)

    def take(self, seconds: float) -> K | None:
        """The next piece of work, for ``done`` to be called afterwards; None after so long."""
        end = self._clock() + seconds
        with self._changed:
            while True:
                now = self._clock()
                self._ripen(now)
                if self._ready:
                    key = next(iter(self._ready))
                    del self._ready[key]
                    self._working.add(key)
                    return key
                if now >= end:
                    return None
                wait = end - now
                if self._later:
                    wait = min(wait, self._later[0][0] - now)
                self._changed.wait(max(0.001, wait))

    def done(self, key: K) -> None:
        with self._changed:
            self._working.discard(key)
            if key in self._again:
                self._again.discard(key)
                self._put(key)

    def forget(self, key: K) -> None:
        with self._changed:
            self._failures.pop(key, None)
            self._due.pop(key, None)

    def clear(self) -> None:
        """Forgets what waits; what is worked on goes on."""
        with self._changed:
            self._ready.clear()
            self._later.clear()
            self._due.clear()
            self._again.clear()

    def __len__(self) -> int:
        return len(self._ready)

    def oldest(self) -> float:
        """Seconds for which the oldest piece of work has been waiting."""
        with self._changed:
            return self._clock() - next(iter(self._ready.values()), self._clock())

    def _put(self, key: K) -> None:
        if key in self._working:
            self._again.add(key)
        elif key not in self._ready:
            self._ready[key] = self._clock()
            self._changed.notify()

    def _ripen(self, now: float) -> None:
        while self._later and self._later[0][0] <= now:
            due, _, key = heapq.heappop(self._later)
            if self._due.get(key) == due:
                del self._due[key]
                self._put(key)
