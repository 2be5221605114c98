"""The files of a request: found where the hints say, and verified to be what was resolved."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from clt_jobs.fetch.readers import Source
from clt_operator.api.errors import InputError
from clt_operator.api.keys import files_digest

_CHUNK = 1 << 20  # bytes


def open_sources(locations: Sequence[str], digest: str, directory: Path) -> list[Source]:
    """The files at the locations, copied to ``directory`` where they are not on this disk.

    Raises InputError for a file that is not there, and for content whose digest is not the
    one that was resolved.
    """
    if not locations:
        raise InputError("the step names no files to read: apply the spec again to plan them")
    sources = [_opened(location, directory, n) for n, location in enumerate(locations)]
    found = files_digest([_sha256(source) for source in sources])
    if digest and found != digest:
        raise InputError(
            f"{', '.join(locations)}: changed since it was resolved (digest {found[:12]}, "
            f"the lock has {digest[:12]}): run 'cltctl upgrade' to take the new content"
        )
    return sources


def _opened(location: str, directory: Path, number: int) -> Source:
    scheme = urlsplit(location).scheme if "://" in location else ""
    if scheme in ("", "file"):
        path = Path(unquote(urlsplit(location).path) if scheme else location)
        if not path.is_file():
            raise InputError(
                f"{location}: no such file; check the path, or the mount that should hold it"
            )
        return Source(path, location)
    if scheme != "s3":
        raise InputError(f"{location}: only local paths, file:// and s3:// can be read")
    return Source(_downloaded(location, directory / str(number)), location)


def _downloaded(location: str, target: Path) -> Path:
    from clt_operator.store import open_store
    from clt_operator.store.protocol import ObjectNotFound

    place, mark, options = location.partition("?")  # as in the URI of a store
    prefix, _, name = place.rpartition("/")
    try:
        open_store(prefix + mark + options).download(name, target)
    except ObjectNotFound as error:
        raise InputError(f"{location}: no such object") from error
    return target


def _sha256(source: Source) -> str:
    hasher = hashlib.sha256()
    try:
        with source.path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                hasher.update(chunk)
    except OSError as error:
        raise InputError(f"{source.location}: cannot be read: {error.strerror}") from error
    return hasher.hexdigest()
