"""What lies in a store, by key and attempt: made from listings, nothing else is read.

Times are the store's own. ``newest`` of an attempt is when anything of it was last written,
its claim, outcome, tombstone and collection mark included: the age that a grace period means.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from clt_operator.store import layout
from clt_operator.store.marks import Mark, marks
from clt_operator.store.protocol import ObjectInfo, ObjectStore

_ATTEMPT = re.compile(rf"{layout.ATTEMPTS}([^/]+)/(\d{{4,}})/(files/|resume/|)(.*)")


@dataclass(slots=True)
class Tried:
    """One attempt of a step; sizes in bytes."""

    files: int = 0
    resume: int = 0
    rest: int = 0  # log, progress
    newest: float = 0.0
    resumable: bool = False  # has a complete resume state
    claimed: bool = False
    ended: bool = False

    @property
    def open(self) -> bool:
        return self.claimed and not self.ended


@dataclass(slots=True)
class Held:
    """All that there is of one key."""

    tried: defaultdict[int, Tried] = field(default_factory=lambda: defaultdict(Tried))
    committed: float | None = None  # when its manifest was written
    document: bool = False
    records: int = 0  # bytes of document, manifest, claims, outcomes, tombstones
    newest: float = 0.0

    @property
    def size(self) -> int:
        return self.records + sum(t.files + t.resume + t.rest for t in self.tried.values())


@dataclass
class Inventory:
    keys: defaultdict[str, Held] = field(default_factory=lambda: defaultdict(Held))
    inputs: dict[str, Tried] = field(default_factory=dict)  # pushed, by digest
    experiments: dict[tuple[str, str], list[ObjectInfo]] = field(default_factory=dict)
    probes: list[ObjectInfo] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)


def inventory(store: ObjectStore) -> Inventory:
    """Every object that the layout knows; strangers' objects are passed over."""
    found = Inventory(marks=list(marks(store)), probes=list(store.list(layout.PROBES)))
    for info in store.list(layout.ATTEMPTS):
        _add_attempt(found, info)
    for prefix in (layout.CLAIMS, layout.OUTCOMES, layout.TOMBSTONES):
        for key, number, info in _numbered(store, prefix):
            tried = _note(found.keys[key], info, number)
            tried.claimed |= prefix == layout.CLAIMS
            tried.ended |= prefix == layout.OUTCOMES
    for key, info in _keyed(store, layout.DOCUMENTS):
        held = found.keys[key]
        held.document = True
        _count(held, info)
    for key, info in _keyed(store, layout.COMMITTED):
        held = found.keys[key]
        held.committed = info.modified
        _count(held, info)
    for mark in found.marks:
        for key, number in mark.attempts.items():
            if key in found.keys:
                held = found.keys[key]
                held.newest = max(held.newest, mark.modified)
                for tried in [held.tried[number]] if number else list(held.tried.values()):
                    tried.newest = max(tried.newest, mark.modified)
    for info in store.list(layout.INPUTS):
        digest = info.name.split("/")[1]
        tried = found.inputs.setdefault(digest, Tried())
        tried.files += info.size
        tried.newest = max(tried.newest, info.modified)
    for info in store.list(layout.EXPERIMENTS):
        parts = info.name.split("/")
        if len(parts) == 4:
            found.experiments.setdefault((parts[1], parts[2]), []).append(info)
    return found


def _add_attempt(found: Inventory, info: ObjectInfo) -> None:
    match = _ATTEMPT.fullmatch(info.name)
    if match is None:
        return
    key, number, part, rest = match.groups()
    held = found.keys[key]
    held.newest = max(held.newest, info.modified)
    tried = held.tried[int(number)]
    tried.newest = max(tried.newest, info.modified)
    if part == "files/":
        tried.files += info.size
    elif part == "resume/":
        tried.resume += info.size
        tried.resumable |= rest.endswith(f"/{layout.COMPLETE}")
    else:
        tried.rest += info.size


def _note(held: Held, info: ObjectInfo, number: int) -> Tried:
    _count(held, info)
    tried = held.tried[number]
    tried.newest = max(tried.newest, info.modified)
    return tried


def _count(held: Held, info: ObjectInfo) -> None:
    held.records += info.size
    held.newest = max(held.newest, info.modified)


def _numbered(store: ObjectStore, prefix: str) -> Iterator[tuple[str, int, ObjectInfo]]:
    for info in store.list(prefix):
        if pair := layout.numbered(info.name):
            yield *pair, info


def _keyed(store: ObjectStore, prefix: str) -> Iterator[tuple[str, ObjectInfo]]:
    for info in store.list(prefix):
        if key := layout.key_of(info.name):
            yield key, info
