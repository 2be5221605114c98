"""What an object store must do; ``file:`` and ``s3:`` implement it, nothing else differs.

Names are relative to the store's prefix, separated by ``/`` (``names`` says which are
possible); no object's name may be the directory of another's. Only ``create`` is conditional:
the whole commit protocol rests on it, so a store that cannot is refused by ``probe``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    name: str
    size: int  # bytes
    modified: float  # seconds since the epoch, by the store's clock


class ObjectNotFound(Exception):
    """No object of that name."""


class ObjectStore(Protocol):
    """Errors: ObjectNotFound; StoreError (refused, with the reason); TransientError (after the
    store's own retries)."""

    @property
    def uri(self) -> str: ...

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """The bytes of an object, or of a range of it; fewer where the object ends before."""
        ...

    def put(self, name: str, data: bytes, *, durable: bool = True) -> None:
        """Write or replace, atomically: readers see the old bytes or the new ones.

        ``durable=False``: a power failure may lose it (progress, logs), which is quicker.
        """
        ...

    def create(self, name: str, data: bytes) -> bool:
        """Write only if absent (``If-None-Match: *``); False where it exists already."""
        ...

    def upload(self, name: str, path: Path) -> None:
        """Write a file of any size (multipart where the store has it)."""
        ...

    def download(self, name: str, path: Path) -> None:
        """Copy an object to a file; the file appears only when whole."""
        ...

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Objects below a prefix, in name order, paged."""
        ...

    def delete(self, names: Iterable[str]) -> None:
        """Remove; absent names are no error."""
        ...

    def local_path(self, name: str) -> Path | None:
        """Where the object lies on this machine's disk, if the store is one (read-only use)."""
        ...

    def probe(self) -> None:
        """Check that the store is writable and honours conditional creation.

        Raises StoreError that says what is missing and what to change.
        """
        ...
