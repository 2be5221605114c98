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

    def wait(self, seconds: float) -> None:
        """Sleeps, no longer than until somebody asks to stop."""
        self._flag.wait(seconds)

    def request(self) -> None:
        self._flag.set()

    def listen(self) -> None:
        """Lets signals set the flag; a second signal kills the process as if unhandled."""
        for number in SIGNALS:
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self.requested:
            if os.getpid() == 1:  # of a container, whom a default action does not reach
                os._exit(128 + number)
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        self.request()
