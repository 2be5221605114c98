"""Says that an attempt is alive and how far it is, beside the step's own work.

Writes when the figures changed, at most every ``QUICK`` seconds, and at least every ``SLOW``
seconds in any case; then it also looks whether a higher attempt was claimed. A short step
writes nothing at all.
"""

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType

log = logging.getLogger(__name__)

QUICK = 2.0  # seconds
SLOW = 15.0
LONGEST_WAIT = 5.0  # for a beat that hangs in the store when the step has ended


class Heartbeat:
    """``write`` stores the figures, ``look`` checks that the attempt is still ours."""

    def __init__(
        self,
        write: Callable[[dict[str, float]], None],
        look: Callable[[], None],
        quick: float = QUICK,
        slow: float = SLOW,
    ) -> None:
        self._write, self._look = write, look
        self._quick, self._slow = quick, slow
        self._figures: dict[str, float] = {}
        self._changed = False
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="heartbeat")

    def update(self, figures: dict[str, float]) -> None:
        """Merges figures into those that the next beat writes. Cheap."""
        with self._lock:
            self._figures.update(figures)
            self._changed = True

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join(LONGEST_WAIT)

    def _run(self) -> None:
        last = time.monotonic()
        while not self._ended.wait(self._quick):
            due = time.monotonic() - last > self._slow - self._quick
            with self._lock:
                figures = dict(self._figures) if self._changed or due else None
                self._changed = False
            if figures is None:
                continue
            try:
                self._write(figures)
                if due:
                    self._look()
                    last = time.monotonic()
            except Exception as error:  # a missed beat is no reason to stop the step
                log.warning("heartbeat: %s", error)
