"""An object store whose clock a test sets, over any real one; and what happens meanwhile."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from clt_operator.store.protocol import ObjectInfo, ObjectStore

DAY = 86400.0


class TimedStore:
    """Objects carry the time that ``now`` had when they were written through this store.

    ``before(operation, name)`` is called ahead of every writing operation: a test lets others
    act there, or raises to be killed there.
    """

    def __init__(self, store: ObjectStore, now: float = 1_000_000_000.0) -> None:
        self.inner, self.now = store, now
        self.written: dict[str, float] = {}
        self.before: Callable[[str, str], None] = lambda _operation, _name: None

    @property
    def uri(self) -> str:
        return self.inner.uri

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        return self.inner.get(name, start, length)

    def put(self, name: str, data: bytes, *, durable: bool = True) -> None:
        self.before("put", name)
        self.inner.put(name, data, durable=durable)
        self.written[name] = self.now

    def create(self, name: str, data: bytes) -> bool:
        self.before("create", name)
        made = self.inner.create(name, data)
        if made:
            self.written[name] = self.now
        return made

    def upload(self, name: str, path: Path) -> None:
        self.before("upload", name)
        self.inner.upload(name, path)
        self.written[name] = self.now

    def download(self, name: str, path: Path) -> None:
        self.inner.download(name, path)

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        for info in self.inner.list(prefix):
            yield replace(info, modified=self.written[info.name])

    def delete(self, names: Iterable[str]) -> None:
        for name in names:
            self.before("delete", name)
            self.inner.delete([name])

    def local_path(self, name: str) -> Path | None:
        return self.inner.local_path(name)

    def probe(self) -> None:
        self.inner.probe()
