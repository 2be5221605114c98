"""Who wants to know of a store's requests: one call for each that ended.

Both stores tell the same things, so that an observer needs no word of S3. It is called by
whichever thread made the request and has to be quick; what it raises, it raises into the request.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from clt_operator.store.protocol import ObjectInfo, ObjectNotFound, ObjectStore

Operation = Literal["get", "put", "list", "head", "delete", "multipart"]
OPERATIONS: tuple[Operation, ...] = ("get", "put", "list", "head", "delete", "multipart")


@dataclass(frozen=True, slots=True)
class Request:
    """A request that ended, its retries included. That a name is absent, or taken already, is
    an answer and no failure. Bytes are those of objects."""

    operation: Operation
    failed: bool
    seconds: float
    retries: int = 0
    read: int = 0
    written: int = 0


Observer = Callable[[Request], None]


class ObservedStore:
    """A store whose calls are requests; for one that speaks no protocol itself (files)."""

    def __init__(self, store: ObjectStore, observer: Observer) -> None:
        self._store, self._observer = store, observer

    @property
    def uri(self) -> str:
        return self._store.uri

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        with self._request("get") as moved:
            data = self._store.get(name, start, length)
            moved.read = len(data)
        return data

    def put(self, name: str, data: bytes, *, durable: bool = True) -> None:
        with self._request("put") as moved:
            self._store.put(name, data, durable=durable)
            moved.written = len(data)

    def create(self, name: str, data: bytes) -> bool:
        with self._request("put") as moved:
            made = self._store.create(name, data)
            moved.written = len(data) if made else 0
        return made

    def upload(self, name: str, path: Path) -> None:
        with self._request("put") as moved:
            self._store.upload(name, path)
            moved.written = path.stat().st_size

    def download(self, name: str, path: Path) -> None:
        with self._request("get") as moved:
            self._store.download(name, path)
            moved.read = path.stat().st_size

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        return self._listing(self._store.list(prefix))

    def delete(self, names: Iterable[str]) -> None:
        with self._request("delete"):
            self._store.delete(names)

    def local_path(self, name: str) -> Path | None:
        return self._store.local_path(name)

    def probe(self) -> None:
        self._store.probe()

    def _listing(self, source: Iterator[ObjectInfo]) -> Iterator[ObjectInfo]:
        """One request, whose time is that of the store and not of who reads on."""
        seconds, failed = 0.0, True
        try:
            while True:
                began = time.perf_counter()
                found = next(source, None)
                seconds += time.perf_counter() - began
                if found is None:
                    break
                yield found
            failed = False
        except GeneratorExit:  # the reader had enough
            failed = False
            raise
        finally:
            self._observer(Request("list", failed, seconds))

    @contextmanager
    def _request(self, operation: Operation) -> Iterator["_Moved"]:
        moved, began, failed = _Moved(), time.perf_counter(), True
        try:
            yield moved
            failed = False
        except ObjectNotFound:
            failed = False
            raise
        finally:
            seconds = time.perf_counter() - began
            self._observer(
                Request(operation, failed, seconds, read=moved.read, written=moved.written)
            )


@dataclass(slots=True)
class _Moved:
    read: int = 0
    written: int = 0
