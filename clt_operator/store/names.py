"""Which names an object may have, so that every store accepts the same ones.

A name is a relative path of plain segments: no traversal, no control characters, short
enough for S3 (1,024 bytes) and for a file system (240 bytes a segment). Segments that start
with ``.tmp-`` belong to the file store's unfinished writes.
"""

import re

from clt_operator.api.errors import StoreError

TEMPORARY = ".tmp-"
LONGEST_NAME = 1024  # bytes of UTF-8, S3's limit
LONGEST_SEGMENT = 240  # bytes of UTF-8; file systems take 255, unfinished writes need a few

_CONTROL = re.compile(r"[\x00-\x1f\x7f\\]")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def check_name(name: str) -> str:
    """The name itself. Raises StoreError where no store could take it."""
    fault = _fault(name)
    if fault:
        raise StoreError(f"object name {name!r} {fault}")
    return name


def check_prefix(prefix: str) -> str:
    """The prefix itself: empty, a name, or a name that ends in ``/``."""
    if prefix:
        check_name(prefix.removesuffix("/"))
    return prefix


def check_word(word: str, what: str) -> str:
    """One segment made of letters, digits, ``.``, ``_`` and ``-``: keys, experiment names.

    Raises StoreError that says what the word should have been (``what``).
    """
    if not _WORD.fullmatch(word) or len(word) > LONGEST_SEGMENT:
        raise StoreError(
            f"{what} {word!r} cannot be stored: use letters, digits, '.', '_' and '-', "
            f"starting with a letter or digit, at most {LONGEST_SEGMENT} characters"
        )
    return word


def _fault(name: str) -> str:
    try:
        encoded = name.encode()
    except UnicodeEncodeError:
        return "is not valid Unicode"
    if not encoded or len(encoded) > LONGEST_NAME:
        return f"is {len(encoded)} bytes long; 1 to {LONGEST_NAME} are possible"
    if _CONTROL.search(name):
        return "holds a control character or a backslash"
    return next(filter(None, map(_segment_fault, name.split("/"))), "")


def _segment_fault(segment: str) -> str:
    if segment in ("", ".", ".."):
        return "must be a relative path without empty, '.' or '..' segments"
    if segment.startswith(TEMPORARY):
        return f"has a segment that starts with {TEMPORARY!r}, kept for unfinished writes"
    if len(segment.encode()) > LONGEST_SEGMENT:
        return f"has a segment of more than {LONGEST_SEGMENT} bytes"
    return ""
