"""Waiting for a condition, never for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class StillNot(AssertionError):
    """What was waited for did not come; says what was seen last."""


def until(
    condition: Callable[[], T | None], seconds: float = 30, *, what: str = "", pause: float = 0.05
) -> T:
    """The first true value of ``condition``, asked every ``pause`` seconds.

    An AssertionError of the condition counts as "not yet"; its text ends up in the report.
    Raises StillNot after ``seconds``.
    """
    deadline = time.monotonic() + seconds
    seen: object = None
    while True:
        try:
            seen = value = condition()
            if value:
                return value
        except AssertionError as error:
            seen = error
        if time.monotonic() > deadline:
            name = what or getattr(condition, "__name__", "the condition")
            raise StillNot(f"{name}: still not after {seconds:g} s; last seen: {seen!r}")
        time.sleep(pause)
