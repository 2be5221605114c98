"""When experiments last got further, as this process saw it.

Kept in memory: nothing is written for it. A process that starts begins with now for what is
under way, so that a stall is told later after a restart rather than wrongly; with the start for
what has nothing committed, and with the end for what is complete.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from clt_operator.api.times import epoch

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Seen:
    uid: str
    phase: str
    done: int
    at: float  # Unix time


class Lately:
    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._seen: dict[tuple[str, str], _Seen] = {}
        self._lock = threading.Lock()

    def note(self, item: Object) -> float:
        """Takes in how far an experiment is; when it last got further (Unix time)."""
        meta, status = item["metadata"], item.get("status") or {}
        place, phase = (meta.get("namespace", ""), meta["name"]), str(status.get("phase") or "")
        done = sum(row.get("done", 0) for row in status.get("counts") or ())
        with self._lock:
            before = self._seen.get(place)
            if before is None or before.uid != meta["uid"]:
                at = self._begin(meta, status, done)
            elif done > before.done or (phase == "Running" and before.phase != "Running"):
                at = self._clock()
            else:
                at = before.at
            self._seen[place] = _Seen(meta["uid"], phase, done, at)
            return at

    def forget(self, place: tuple[str, str]) -> None:
        with self._lock:
            self._seen.pop(place, None)

    def _begin(self, meta: Object, status: Object, done: int) -> float:
        ended = epoch(str(status.get("completionTime") or ""))
        if ended and status.get("phase") == "Complete":
            return ended
        if done:
            return self._clock()
        start = status.get("startTime") or meta.get("creationTimestamp") or ""
        return epoch(str(start)) or self._clock()
