"""How fast Jobs may be created: a bucket of tokens that fills by the clock."""

import threading
import time
from collections.abc import Callable


class Rate:
    """``per_second`` on average, ``burst`` at once. Safe to share between threads."""

    def __init__(
        self, per_second: float, burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.per_second, self.burst = per_second, burst
        self._clock, self._lock = clock, threading.Lock()
        self._tokens, self._filled = burst, clock()

    def set(self, per_second: float) -> None:
        """Another rate from now on, with two seconds' worth at once."""
        with self._lock:
            self.per_second, self.burst = per_second, 2 * per_second

    def take(self, wanted: int) -> int:
        """How many of the wanted launches may be made now."""
        with self._lock:
            self._fill()
            granted = min(wanted, int(self._tokens))
            self._tokens -= granted
            return granted

    def give_back(self, unused: int) -> None:
        with self._lock:
            self._tokens = min(self.burst, self._tokens + unused)

    def wait(self) -> float:
        """Seconds until one more is granted."""
        with self._lock:
            self._fill()
            return max(0.0, (1 - self._tokens) / self.per_second)

    def _fill(self) -> None:
        now = self._clock()
        self._tokens = min(self.burst, self._tokens + (now - self._filled) * self.per_second)
        self._filled = now
