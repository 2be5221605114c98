"""Directories of files to and from the store, with sizes and checksums.

An object store has no directories: an empty one is not kept. Links and special files are
refused, because what they point to could change after the checksum was taken.
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from clt_operator.api.errors import StoreError
from clt_operator.api.step import FileEntry
from clt_operator.store.protocol import ObjectNotFound, ObjectStore


class WrongBytes(Exception):
    """What lies in the store is not what was recorded; says in what it differs."""


def upload_tree(store: ObjectStore, prefix: str, root: Path, below: str = "") -> list[FileEntry]:
    """Stores the files under ``root`` as ``prefix + below + path``; entries in name order.

    Each entry's path starts with ``below`` (empty, or ending in "/").
    """
    entries = []
    for path in sorted(_files(root), key=lambda p: p.relative_to(root).as_posix()):
        name = below + path.relative_to(root).as_posix()
        entry = FileEntry(path=name, size=path.stat().st_size, sha256=sha256(path))
        store.upload(prefix + name, path)
        entries.append(entry)
    return entries


def fetch_file(store: ObjectStore, name: str, entry: FileEntry, target: Path) -> None:
    """Copies an object to ``target`` and checks it; leaves nothing where it is wrong.

    Raises ObjectNotFound or WrongBytes.
    """
    store.download(name, target)
    try:
        check_file(target, entry)
    except WrongBytes:
        target.unlink()
        raise


def check_file(path: Path, entry: FileEntry) -> None:
    """Raises ObjectNotFound or WrongBytes unless the file has the entry's size and checksum."""
    try:
        size = path.stat().st_size
        if size != entry.size:
            raise WrongBytes(f"has {size} bytes instead of {entry.size}")
        actual = sha256(path)
    except FileNotFoundError as error:
        raise ObjectNotFound(str(path)) from error
    if actual != entry.sha256:
        raise WrongBytes(f"has SHA-256 {actual[:12]}… instead of {entry.sha256[:12]}…")


def sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(root: Path) -> Iterator[Path]:
    if not root.is_dir():
        raise StoreError(f"{root} is not a directory: outputs and resume states are directories")
    for path in root.iterdir():
        if path.is_symlink() or not (path.is_dir() or path.is_file()):
            raise StoreError(f"{path} is a link or a special file: write a regular file instead")
        if path.is_dir():
            yield from _files(path)
        else:
            yield path
