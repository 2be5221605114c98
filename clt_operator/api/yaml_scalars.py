"""What an unquoted YAML scalar means: the core schema of YAML 1.2, with finite numbers only."""

import re
from math import isfinite

MAX_DIGITS = 400  # of one number

_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_BASES = {"0o": 8, "0x": 16}


def resolve_plain(text: str) -> bool | int | float | str | None:
    """What an unquoted scalar means in the core schema. Raises ValueError for a number that
    is infinite, not a number, or longer than MAX_DIGITS."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INFINITE.fullmatch(text):
        raise ValueError(f"{text} is no finite number")
    is_integer = _INTEGER.fullmatch(text)
    if not is_integer and not _FLOAT.fullmatch(text):
        return text
    if len(text) > MAX_DIGITS:
        raise ValueError(f"a number of {len(text)} digits")
    if is_integer:
        return int(text, _BASES.get(text[:2], 10))
    number = float(text)
    if not isfinite(number):
        raise ValueError(f"{text} is too large a number")
    return number
