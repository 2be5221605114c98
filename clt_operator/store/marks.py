"""Marks: which manifests a collection took, and when.

A mark is written before the first manifest that it names goes, so that the age of what is left
of those artifacts can be told by whoever collects next. Its time is the store's.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from clt_operator.api.base import Record
from clt_operator.api.errors import StoreError
from clt_operator.store import layout
from clt_operator.store.protocol import ObjectStore
from clt_operator.store.records import encode, read


class MarkRecord(Record):
    attempts: dict[str, int]  # key: the attempt whose manifest was taken; 0: not known


@dataclass(frozen=True, slots=True)
class Mark:
    name: str
    modified: float
    attempts: Mapping[str, int]


def marks(store: ObjectStore) -> Iterator[Mark]:
    for info in store.list(layout.COLLECTED):
        record = read(store, info.name, MarkRecord)
        if record is not None:
            yield Mark(info.name, info.modified, record.attempts)


def write_mark(store: ObjectStore, attempts: Mapping[str, int], now: float) -> None:
    name = f"{layout.COLLECTED}{int(now):012d}-{uuid.uuid4().hex[:8]}.json"
    store.put(name, encode(MarkRecord(attempts=dict(attempts))))


def store_clock(store: ObjectStore) -> float:
    """What time it is by the store's clock, in seconds since the epoch; writes and removes a
    probe."""
    name = f"{layout.PROBES}{uuid.uuid4().hex}"
    store.put(name, b"", durable=False)
    try:
        for info in store.list(name):
            return info.modified
    finally:
        store.delete([name])
    raise StoreError(f"{store.uri} does not list what was just written to it")
