"""A directory as object store, safe under several processes and under a crash at any moment.

Bytes are written to a temporary file beside their place and appear under their name in one
system call: ``link`` for ``create`` (it fails where the name exists), ``rename`` for the rest.
What a reader finds under a name is therefore whole. Objects are read-only copies: whoever
wrote the source can no longer change them.
"""

import errno
import os
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from clt_operator.api.errors import StoreError
from clt_operator.store.file_errors import appearing_whole, as_store_errors, reading
from clt_operator.store.names import TEMPORARY, check_name, check_prefix
from clt_operator.store.protocol import ObjectInfo

OBJECT_MODE = 0o444
COPY_CHUNK = 1 << 26  # bytes asked of one system call
ABSENT = (FileNotFoundError, NotADirectoryError, IsADirectoryError)  # no object of that name
BUSY_DIRECTORY_TRIES = 100  # a directory can be pruned between its making and its use


class FileStore:
    """Objects as files below ``root``; made on the first write."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    @property
    def uri(self) -> str:
        return self.root.as_uri()

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        with as_store_errors(self.root, name), self._path(name).open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            wanted = max(size - start, 0) if length is None else length
            file.seek(start)
            return _read(file.fileno(), min(wanted, max(size - start, 0)))

    def put(self, name: str, data: bytes, *, durable: bool = True) -> None:
        self._write(name, lambda target: _write_all(target, data), os.replace, durable)

    def create(self, name: str, data: bytes) -> bool:
        with as_store_errors(self.root, name):
            if self._path(name).exists():  # saves the write; the link below decides
                return False
        return self._write(name, lambda target: _write_all(target, data), _link, durable=True)

    def upload(self, name: str, path: Path) -> None:
        with reading(path) as source:
            self._write(name, lambda target: _copy(source.fileno(), target), os.replace, True)

    def download(self, name: str, path: Path) -> None:
        with as_store_errors(self.root, name):
            source = self._path(name).open("rb", buffering=0)
        with source, appearing_whole(path) as target:
            _copy(source.fileno(), target.fileno())

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        head, _, tail = check_prefix(prefix).rpartition("/")
        return self._walk(f"{head}/" if head else "", tail)

    def delete(self, names: Iterable[str]) -> None:
        for name in names:
            path = self._path(name)
            with as_store_errors(self.root, name), suppress(*ABSENT):
                path.unlink()
                self._prune(path.parent)

    def local_path(self, name: str) -> Path | None:
        return self._path(name)

    def probe(self) -> None:
        name = f"probes/{uuid.uuid4().hex}"
        try:
            if not self.create(name, b"1") or self.create(name, b"2"):
                raise StoreError(
                    f"{self.uri} does not honour exclusive creation (hard links): "
                    "choose a directory on another file system"
                )
        finally:
            with suppress(StoreError):
                self.delete([name])

    def _path(self, name: str) -> Path:
        return self.root / check_name(name)

    def _write(
        self,
        name: str,
        fill: Callable[[int], None],
        publish: Callable[[Path, Path], bool | None],
        durable: bool,
    ) -> bool:
        """Fills a temporary file, then publishes it; False where ``publish`` says so."""
        final = self._path(name)
        partial = final.with_name(f"{TEMPORARY}{uuid.uuid4().hex}")
        with as_store_errors(self.root, name, writing=True):
            target = self._open_new(partial)
            try:
                try:
                    fill(target)
                    if durable:
                        os.fsync(target)
                finally:
                    os.close(target)
                published = publish(partial, final)
            finally:
                partial.unlink(missing_ok=True)
            if durable:
                _sync_directory(final.parent)
        return published is not False

    def _open_new(self, path: Path) -> int:
        """A new file open for writing, its directories made where they lack."""
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
        for _ in range(BUSY_DIRECTORY_TRIES):
            with suppress(FileNotFoundError):
                return os.open(path, flags, OBJECT_MODE)
            with suppress(FileNotFoundError):
                _make_directories(path.parent)
        return os.open(path, flags, OBJECT_MODE)

    def _walk(self, directory: str, tail: str) -> Iterator[ObjectInfo]:
        """Objects below ``directory`` ("" or ending in "/") whose next segment starts with tail.

        A directory sorts as its name with "/", so that the order is that of whole names.
        """
        with as_store_errors(self.root, directory):
            try:
                with os.scandir(self.root / directory) as scan:
                    entries = [
                        (f"{e.name}/" if e.is_dir(follow_symlinks=False) else e.name, e)
                        for e in scan
                        if e.name.startswith(tail) and not e.name.startswith(TEMPORARY)
                    ]
            except ABSENT:
                if self.root.exists() and not self.root.is_dir():
                    raise
                return
        entries.sort(key=lambda pair: os.fsencode(pair[0]))
        for label, entry in entries:
            if label.endswith("/"):
                yield from self._walk(directory + label, "")
                continue
            try:
                stat = entry.stat(follow_symlinks=False)
            except FileNotFoundError:  # deleted since the scan
                continue
            yield ObjectInfo(directory + label, stat.st_size, stat.st_mtime)

    def _prune(self, directory: Path) -> None:
        """Removes directories that a deletion left empty."""
        while directory != self.root:
            try:
                directory.rmdir()
            except OSError:  # not empty, or gone already
                return
            directory = directory.parent


def _link(partial: Path, final: Path) -> bool:
    try:
        os.link(partial, final)
    except FileExistsError:
        # Over NFS the answer to a link that was made may be lost: the link count knows.
        return partial.stat().st_nlink == 2
    return True


def _read(source: int, count: int) -> bytes:
    chunks = []
    while count > 0 and (chunk := os.read(source, min(count, COPY_CHUNK))):
        chunks.append(chunk)
        count -= len(chunk)
    return b"".join(chunks)


def _write_all(target: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]


def _copy(source: int, target: int) -> None:
    """Copies a whole file, inside the kernel where it can (shared blocks on some systems)."""
    try:
        while os.copy_file_range(source, target, COPY_CHUNK):
            pass
    except (AttributeError, OSError):
        if os.lseek(target, 0, os.SEEK_CUR):  # it had begun: a real fault such as a full disk
            raise
    while chunk := os.read(source, 1 << 20):
        _write_all(target, chunk)


def _make_directories(directory: Path) -> None:
    """``mkdir -p`` whose new entries survive a power failure."""
    if directory.is_dir():
        return
    _make_directories(directory.parent)
    try:
        directory.mkdir()
    except FileExistsError:
        if directory.exists() and not directory.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, "Not a directory", str(directory)) from None
        return
    _sync_directory(directory.parent)


def _sync_directory(directory: Path) -> None:
    try:
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:  # pruned by somebody who deleted what was just written
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
