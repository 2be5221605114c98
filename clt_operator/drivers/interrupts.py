"""SIGINT and SIGTERM as something a loop can wait for, beside the ends of its children."""

import os
import signal
import threading
from types import FrameType, TracebackType
from typing import Any

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """While open, counts the signals; ``wakeup`` is a descriptor that each makes readable.

    Outside the main thread, where Python allows no handlers, it counts nothing.
    """

    def __init__(self) -> None:
        self.count = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> "Interrupts":
        self.wakeup, self._sink = os.pipe()
        os.set_blocking(self.wakeup, False)
        os.set_blocking(self._sink, False)
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._on) for number in SIGNALS}
            self._wakeup_before = signal.set_wakeup_fd(self._sink, warn_on_full_buffer=False)
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._before:
            signal.set_wakeup_fd(self._wakeup_before)
            for number, handler in self._before.items():
                signal.signal(number, handler)
        os.close(self.wakeup)
        os.close(self._sink)

    def _on(self, _number: int, _frame: FrameType | None) -> None:
        self.count += 1
