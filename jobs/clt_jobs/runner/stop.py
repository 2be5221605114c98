"""How a runner is asked to stop: SIGTERM or SIGINT once politely, twice for good."""

import os
import signal
import threading
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stop:
    """A flag that a signal, or the loss of the attempt, sets; steps look at it."""

    def __init__(self) -> None:
        self._flag = threading.Event()

    @property
    def requested(self) -> bool:
        return self._flag.is_set()

    def request(self) -> None:
        self._flag.set()

    def listen(self) -> None:
        """Lets signals set the flag; a second signal kills the process as if unhandled."""
        for number in SIGNALS:
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.requested:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        self.request()
