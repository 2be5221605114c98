"""Column templates: how a field of a row is made of the columns of a source.

``{question}`` names a column; literal text and ``{{`` ``}}`` stand for themselves. A name is
looked up plainly (no attributes, indices or format specifications), so a template can reach
nothing but the record. Transforms follow a bar, in order: ``{answer|final|number}``.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from math import isfinite
from typing import Any

from clt_operator.api.errors import InputError
from clt_operator.api.keys import canonical

Record = Mapping[str, Any]  # one row of a source by column

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_NUMBER = re.compile(r"[-+]?([0-9]{1,3}(,[0-9]{3})+|[0-9]+)(\.[0-9]+)?")
_FORBIDDEN = frozenset(".[]!:")


class BadRow(Exception):
    """A row cannot be used: ``reason`` is what is counted, the message says what is wrong."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        super().__init__(detail)


class MissingColumn(BadRow):
    """The record lacks a column of a template."""

    def __init__(self, column: str, template: str) -> None:
        self.column = column
        self.template = template
        super().__init__("missing column", f"no column {column!r}, which {template!r} names")


def _number(text: str) -> str:
    """A decimal number in plain form: ``8.0`` is 8, ``2,125`` is 2125."""
    stripped = text.strip()
    if not _NUMBER.fullmatch(stripped):
        raise BadRow("not a number", f"{text[:40]!r} is not a number")
    plain = format(Decimal(stripped.replace(",", "")), "f")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return "0" if plain == "-0" else plain


def _final(text: str) -> str:
    """What follows the last ``####``: the final answer of a worked GSM8K solution."""
    head, mark, tail = text.rpartition("####")
    if not mark:
        raise BadRow("no final answer", f"no '####' in {head[-40:] or tail[-40:]!r}")
    return tail.strip()


def _unmarked(text: str) -> str:
    """Without GSM8K's calculator marks (``<<48/2=24>>``)."""
    return re.sub(r"<<[^<>]*>>", "", text)


TRANSFORMS: dict[str, Callable[[str], str]] = {
    "strip": str.strip,
    "number": _number,
    "final": _final,
    "unmarked": _unmarked,
}


@dataclass(frozen=True, slots=True)
class Piece:
    """Literal text, or where ``column`` is set, the column's value through the transforms."""

    literal: str = ""
    column: str = ""
    transforms: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnTemplate:
    """A parsed template. ``text`` is as written."""

    text: str
    pieces: tuple[Piece, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(piece.column for piece in self.pieces if piece.column)

    @property
    def is_column(self) -> bool:
        """True for a column alone, whose value may be absent, a list or an object."""
        return len(self.pieces) == 1 and bool(self.pieces[0].column)

    def value(self, record: Record) -> Any:
        """The value of a column alone as the source has it, or else the text; None is null.

        Raises BadRow.
        """
        if self.is_column and not self.pieces[0].transforms:
            return self._lookup(self.pieces[0], record)
        return self.render(record)

    def render(self, record: Record) -> str | None:
        """The text, or None where the template is one column that is null. Raises BadRow."""
        parts: list[str] = []
        for piece in self.pieces:
            if not piece.column:
                parts.append(piece.literal)
                continue
            value = self._lookup(piece, record)
            if value is None:
                if self.is_column:
                    return None
                raise BadRow("null value", f"column {piece.column!r} is null in {self.text!r}")
            text = as_text(value, piece.column)
            for name in piece.transforms:
                text = TRANSFORMS[name](text)
            parts.append(text)
        return "".join(parts)

    def _lookup(self, piece: Piece, record: Record) -> Any:
        if piece.column not in record:
            raise MissingColumn(piece.column, self.text)
        return record[piece.column]


def parse_template(text: str) -> ColumnTemplate:
    """Reads a template. Raises InputError that says what it may consist of."""
    pieces: list[Piece] = []
    literal = ""
    position = 0
    for token in _TOKEN.finditer(text):
        literal += text[position : token.start()]
        position = token.end()
        if token.group() in ("{{", "}}"):
            literal += token.group()[0]
            continue
        if token.group(1) is None:
            raise InputError(f"template {text!r}: lone {token.group()!r}; write it twice")
        if literal:
            pieces.append(Piece(literal))
            literal = ""
        pieces.append(_piece(token.group(1), text))
    literal += text[position:]
    if literal or not pieces:
        pieces.append(Piece(literal))
    return ColumnTemplate(text, tuple(pieces))


def _piece(inside: str, text: str) -> Piece:
    column, *transforms = (part.strip() for part in inside.split("|"))
    if not column or _FORBIDDEN & set(column):
        raise InputError(
            f"template {text!r}: {{{inside}}} is no plain column name; only {{column}} and "
            f"{{column|transform}} are understood, literal braces are written twice"
        )
    for name in transforms:
        if name not in TRANSFORMS:
            raise InputError(
                f"template {text!r}: unknown transform {name!r}: known are {', '.join(TRANSFORMS)}"
            )
    return Piece(column=column, transforms=tuple(transforms))


def as_text(value: Any, column: str) -> str:
    """The text of a JSON or Parquet scalar. Raises BadRow for anything else, and for text that
    is not Unicode or holds NUL."""
    match value:
        case str():
            return checked(value, column)
        case bool():
            return "true" if value else "false"
        case int() | Decimal():
            return str(value)
        case float() if isfinite(value):
            return repr(value)
    raise BadRow("wrong type", f"column {column!r} holds {_named(value)}, expected text")


def as_json(value: Any, column: str) -> Any:
    """A JSON value that may be kept beside the row. Raises BadRow for what JSON cannot say."""
    try:
        checked(canonical(value), column)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadRow("wrong type", f"column {column!r} holds no JSON value: {error}") from error
    return value


def checked(text: str, column: str) -> str:
    """The text itself where it can be stored. Raises BadRow."""
    if "\0" in text:
        raise BadRow("NUL character", f"column {column!r} holds a NUL character")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        code = ord(text[error.start])
        if 0xDC80 <= code <= 0xDCFF:  # a byte that a reader could not decode
            detail = f"column {column!r} is not UTF-8: byte 0x{code - 0xDC00:02x}"
            raise BadRow("invalid UTF-8", detail) from error
        raise BadRow(
            "lone surrogate", f"column {column!r} holds the lone surrogate U+{code:04X}"
        ) from error
    return text


def unknown_column(column: str, template: str, known: list[str]) -> str:
    """What to tell about a template whose column no row of the source has."""
    close = get_close_matches(column, known, n=1, cutoff=0)
    meant = f": did you mean {close[0]!r}?" if close else ":"
    listed = ", ".join(map(_printable, known[:30])) or "none"
    return f"template {template!r} names column {column!r}{meant} The source has {listed}"


def _printable(name: str) -> str:
    return name.encode(errors="backslashreplace").decode()


def _named(value: Any) -> str:
    names = {dict: "an object", list: "a list", float: "no finite number", bytes: "bytes"}
    return names.get(type(value), f"a {type(value).__name__}")
