"""A wall clock that a test can set, for a Python process with this folder on its PYTHONPATH.

The file that SHIFTED_CLOCK names holds the seconds by which the clock is wrong; it may change at
any time. Clocks that nobody can set (monotonic, boot time) are left alone, as they are where
somebody sets the clock of a machine.
"""

import datetime
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

FILE = os.environ.get("SHIFTED_CLOCK", "")
LOOK = 0.1  # seconds between looks at the file

_time, _monotonic = time.time, time.monotonic
_gmtime, _localtime, _strftime = time.gmtime, time.localtime, time.strftime
_kept = [-LOOK, 0.0]  # when the file was read, and what it said


def shift() -> float:
    """Seconds by which the clock is wrong now."""
    now = _monotonic()
    if now - _kept[0] >= LOOK:
        with suppress(OSError, ValueError):
            _kept[1] = float(Path(FILE).read_text() or 0)
        _kept[0] = now
    return _kept[1]


def shifted() -> float:
    return _time() + shift()


class Shifted(datetime.datetime):
    """``datetime`` whose now is the wrong clock's."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> Self:
        return cls.fromtimestamp(shifted(), tz)

    @classmethod
    def utcnow(cls) -> Self:
        return cls.now(datetime.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> Self:
        return cls.now()


if FILE:
    clock: Any = time
    clock.time = shifted
    clock.time_ns = lambda: int(shifted() * 1e9)
    clock.gmtime = lambda seconds=None: _gmtime(shifted() if seconds is None else seconds)
    clock.localtime = lambda seconds=None: _localtime(shifted() if seconds is None else seconds)
    clock.strftime = lambda form, at=None: _strftime(form, at or clock.localtime())
    datetime.datetime = Shifted  # type: ignore[misc]
