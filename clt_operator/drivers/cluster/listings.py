"""Artifacts whose whole-store listings are shared for a moment.

Many experiments that begin together (an operator that starts) ask the same store for the same
listings; one answer serves them. What a driver relies on afterwards it reads key by key.
"""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

from clt_operator.store.artifacts import Artifacts
from clt_operator.store.protocol import ObjectStore

FRESH = 5.0  # seconds for which a listing is good enough to begin with

T = TypeVar("T")


class Listings(Artifacts):
    def __init__(self, store: ObjectStore, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(store)
        self._clock = clock
        self._locks = {name: threading.Lock() for name in ("committed", "claims", "outcomes")}
        self._kept: dict[str, tuple[float, object]] = {}

    def committed(self) -> set[str]:
        return set(self._shared("committed", super().committed))

    def attempt_numbers(self) -> dict[str, list[int]]:
        return dict(self._shared("claims", super().attempt_numbers))

    def outcome_numbers(self) -> dict[str, list[int]]:
        return dict(self._shared("outcomes", super().outcome_numbers))

    def forget(self) -> None:
        """The next listing is a new one."""
        self._kept.clear()

    def _shared(self, name: str, read: Callable[[], T]) -> T:
        with self._locks[name]:
            kept = self._kept.get(name)
            if kept is not None and self._clock() - kept[0] < FRESH:
                return kept[1]  # type: ignore[return-value]
            begun = self._clock()
            value = read()
            self._kept[name] = (begun, value)
            return value
