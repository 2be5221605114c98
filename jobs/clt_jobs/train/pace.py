"""The clock of a training: when to save, when to print.

Nothing that is decided here reaches an output: a save changes no number.
"""

import time
from collections.abc import Callable

LINE_SECONDS = 10.0
SAVING_SHARE = 0.05  # of the time, at most, however often saving is asked for


class Pace:
    def __init__(self, save_every: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._save_every = save_every
        self._saved = clock()
        self._printed = float("-inf")
        self._saving = 0.0  # seconds that the last save took

    @property
    def save_due(self) -> bool:
        wait = max(self._save_every, self._saving * (1 / SAVING_SHARE - 1))
        return self._clock() - self._saved >= wait

    def saved(self, seconds: float) -> None:
        """A save has just ended that took so long."""
        self._saving = seconds
        self._saved = self._clock()

    @property
    def line_due(self) -> bool:
        """True about every ten seconds; asking counts as printing."""
        now = self._clock()
        if now - self._printed < LINE_SECONDS:
            return False
        self._printed = now
        return True
