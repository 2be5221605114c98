"""What the operating system refuses, in words that name the place and the next step."""

import errno
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from clt_operator.api.errors import CltError, StoreError, TransientError
from clt_operator.store.names import TEMPORARY
from clt_operator.store.protocol import ObjectNotFound

MAY_PASS = {
    errno.EAGAIN,
    errno.EBUSY,
    errno.EMFILE,
    errno.ENFILE,
    errno.ESTALE,
    errno.ETIMEDOUT,
}

NEXT_STEP = {
    errno.ENOSPC: "the disk is full: free space there, or choose another store",
    errno.EDQUOT: "the disk quota is used up: free space there, or choose another store",
    errno.EFBIG: "the file is larger than the limit allows: raise it (ulimit -f)",
    errno.EROFS: "the file system is read-only: choose another store",
    errno.EACCES: "permission denied: make the directory writable, or choose another store",
    errno.EPERM: "not permitted (hard links are needed): choose a directory on another file system",
    errno.ENOTDIR: "a file is where a directory is needed: choose another store, or move the file",
    errno.EISDIR: "a directory is where an object is needed: was the store changed by hand?",
    errno.ENAMETOOLONG: "the path is too long: choose a store with a shorter path",
}


@contextmanager
def as_store_errors(root: Path, name: str, *, writing: bool = False) -> Iterator[None]:
    """Turns OSError into ObjectNotFound, TransientError or StoreError."""
    try:
        yield
    except OSError as error:
        raise explain(error, root, name, writing=writing) from error


@contextmanager
def reading(path: Path) -> Iterator[BinaryIO]:
    """A local file that is to be stored, open for reading."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise StoreError(f"cannot read {path} to store it: {error.strerror}") from error
    with file:
        yield file


@contextmanager
def appearing_whole(path: Path) -> Iterator[BinaryIO]:
    """A temporary file beside ``path`` that takes its name when the block ends well."""
    partial = path.with_name(f"{TEMPORARY}{uuid.uuid4().hex}")
    try:
        with as_store_errors(path.parent, path.name, writing=True):
            path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("xb") as file:
                yield file
            partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def explain(error: OSError, root: Path, name: str, *, writing: bool) -> CltError | ObjectNotFound:
    """The error that a user sees for one of the operating system."""
    code = error.errno or 0
    absent = code == errno.ENOENT or (code in (errno.ENOTDIR, errno.EISDIR) and root.is_dir())
    if absent and not writing:
        return ObjectNotFound(name)
    doing = "write" if writing else "read"
    reason = NEXT_STEP.get(code, error.strerror or type(error).__name__)
    message = f"cannot {doing} {name or 'objects'} in {root}: {reason}"
    return TransientError(message) if code in MAY_PASS else StoreError(message)
