"""The object store at the edge: S3 or a directory, and the commit protocol above both.

``open_store`` is all that is imported at once; boto3 only with the first S3 store.
"""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from clt_operator.api.errors import StoreError
from clt_operator.store.observer import ObservedStore, Observer
from clt_operator.store.protocol import ObjectStore


def open_store(
    uri: str,
    environment: Mapping[str, str] | None = None,
    *,
    hasty: bool = False,
    observer: Observer | None = None,
) -> ObjectStore:
    """The store that a URI names; nothing is read or written yet (see ``probe``).

    ``file:///absolute``, ``file:relative`` and a plain path are directories.
    ``s3://bucket/prefix`` takes endpoint, region and credentials from the standard AWS
    environment, or from ``environment`` where it is given, so that one process can serve several
    stores; ``?checksums=when_required`` suits stores without the newer checksums. ``hasty`` gives
    a store that does not answer up after some 45 seconds, not after minutes: for a caller that
    comes again by itself and has others to serve. ``observer`` is told of every request.
    """
    scheme, colon, _ = uri.partition(":")
    if not uri.strip():
        raise StoreError("the store is empty: give s3://bucket/prefix or a directory")
    if scheme == "s3":
        from clt_operator.store.s3 import S3Store  # noqa: PLC0415 - boto3 takes a while

        return S3Store.from_uri(uri, environment, hasty=hasty, observer=observer)
    if colon and scheme != "file" and "/" not in scheme:
        raise StoreError(
            f"store {uri!r}: unknown scheme {scheme!r}; use s3://bucket/prefix, file:///path "
            "or a path"
        )
    from clt_operator.store.file import FileStore  # noqa: PLC0415 - not needed for S3

    files = FileStore(_directory(uri))
    return ObservedStore(files, observer) if observer else files


def _directory(uri: str) -> Path:
    if not uri.startswith("file:"):
        return Path(uri).expanduser()
    parts = urlsplit(uri)
    if parts.netloc not in ("", "localhost"):
        raise StoreError(
            f"store {uri!r}: a file store is on this machine; "
            f"write file:///{parts.netloc}{parts.path} (three slashes)"
        )
    if parts.query or parts.fragment or not parts.path:
        raise StoreError(f"store {uri!r}: write file:///absolute/path or file:relative/path")
    return Path(unquote(parts.path))
