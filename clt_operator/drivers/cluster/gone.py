"""Uids that are remembered, of what may never be heard of again: bounded, the oldest go first."""

import threading
from collections import OrderedDict

MOST_GONE = 50_000  # uids of deleted pods and Jobs that are remembered


class Gone:
    """The uids of what was deleted, the oldest forgotten first."""

    def __init__(self, most: int = MOST_GONE) -> None:
        self._most, self._uids, self._lock = most, OrderedDict[str, None](), threading.Lock()

    def add(self, uid: str) -> None:
        with self._lock:
            self._uids[uid] = None
            if len(self._uids) > self._most:
                self._uids.popitem(last=False)

    def discard(self, uid: str) -> None:
        with self._lock:
            self._uids.pop(uid, None)

    def __contains__(self, uid: str) -> bool:
        return uid in self._uids


class Counts:
    """Numbers of uids, the oldest forgotten first."""

    def __init__(self, most: int = MOST_GONE) -> None:
        self._most, self._of, self._lock = most, OrderedDict[str, int](), threading.Lock()

    def add(self, uid: str) -> None:
        with self._lock:
            self._of[uid] = self._of.pop(uid, 0) + 1
            if len(self._of) > self._most:
                self._of.popitem(last=False)

    def __getitem__(self, uid: str) -> int:
        return self._of.get(uid, 0)
