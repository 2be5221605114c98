"""Readers of file formats: each yields what it finds, a record or a reason why there is none.

A reader never stops at a bad row: it says where the row is and what is wrong with it, and the
caller decides how many of them are too many. Only a file that cannot be read on (a damaged
archive, a broken document) is an error here.
"""

import csv
import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, cast

from clt_jobs.fetch.columns import Record
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.fetch import RowsFormat

_FIELD_LIMIT = 1 << 27  # characters of one CSV field


@dataclass(frozen=True, slots=True)
class Source:
    """A file on this disk, and the location by which the user knows it."""

    path: Path
    location: str


@dataclass(frozen=True, slots=True)
class Found:
    """A record at a place (``file:line``), or the reason why there is none."""

    place: str
    record: Record | None
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the caller will read: the columns (empty: all), and whether files have a header."""

    columns: frozenset[str] = frozenset()
    header: bool = True


Reader = Callable[[Source, Wanted], Iterator[Found]]


def read_jsonl(source: Source, _wanted: Wanted) -> Iterator[Found]:
    """One JSON object a line; plain, ``.gz`` or ``.zst``. Blank lines are no rows."""
    for number, line in _lines(source):
        if not line.strip():
            continue
        place = f"{source.location}:{number}"
        try:
            value = _loads(line.decode())
        except UnicodeDecodeError as error:
            yield Found(place, None, "invalid UTF-8", f"not UTF-8 at byte {error.start + 1}")
        except (ValueError, RecursionError) as error:
            cut = not line.endswith(b"\n")
            reason = "truncated line" if cut else "invalid JSON"
            yield Found(place, None, reason, f"{reason}: {error}")
        else:
            yield _object(place, value)


def read_json(source: Source, _wanted: Wanted) -> Iterator[Found]:
    """One array of objects."""
    with _opened(source) as stream:
        data = stream.read()
    try:
        value = _loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"{source.location}:{line}: not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise InputError(
            f"{source.location}:{error.lineno}: invalid JSON: {error.msg} (column {error.colno})"
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source.location}: invalid JSON: {error}") from error
    if not isinstance(value, list):
        raise InputError(
            f"{source.location}: expected an array of objects; "
            "for one object a line use the format jsonl"
        )
    for index, element in enumerate(value, start=1):
        yield _object(f"{source.location}: element {index}", element)


def read_tsv(source: Source, wanted: Wanted) -> Iterator[Found]:
    """Fields between tabs, no quoting: a quotation mark is text."""
    split = (
        (number, line.decode(errors="surrogateescape").rstrip("\r\n").split("\t"))
        for number, line in _lines(source)
        if line.strip(b"\r\n")
    )
    return _table(source, split, wanted)


def read_csv(source: Source, wanted: Wanted) -> Iterator[Found]:
    """Fields between commas, quoted as spreadsheets do; a field may hold line breaks."""
    csv.field_size_limit(_FIELD_LIMIT)
    with _opened(source) as stream:
        text = io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="")
        yield from _table(source, _csv_records(csv.reader(text, strict=True)), wanted)


def read_parquet(source: Source, wanted: Wanted) -> Iterator[Found]:
    """Rows of a Parquet file; only the wanted columns are read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        with pq.ParquetFile(source.path) as file:
            names = file.schema_arrow.names
            chosen = [name for name in names if not wanted.columns or name in wanted.columns]
            absent = {name for name in names if name not in chosen}
            for batch in file.iter_batches(batch_size=4096, columns=chosen or names[:1]):
                for row in _batch_rows(batch):
                    number += 1
                    place = f"{source.location}: row {number}"
                    if isinstance(row, dict):
                        yield Found(place, _Partial(row, absent))
                    else:
                        yield Found(place, None, "invalid UTF-8", row)
    except (OSError, pa.ArrowException) as error:
        raise InputError(
            f"{source.location}: not a readable Parquet file (after row {number}): {error}"
        ) from error


READERS: dict[RowsFormat, Reader] = {
    "jsonl": read_jsonl,
    "json": read_json,
    "tsv": read_tsv,
    "csv": read_csv,
    "parquet": read_parquet,
}


class _Partial(dict[str, Any]):
    """A record of which only some columns were read; ``unread`` exist in the source too."""

    def __init__(self, record: dict[str, Any], unread: set[str]) -> None:
        super().__init__(record)
        self.unread = unread


def columns_of(record: Record) -> Iterable[str]:
    """The columns that a source has, by one of its records."""
    yield from record
    if isinstance(record, _Partial):
        yield from record.unread


def _object(place: str, value: Any) -> Found:
    if isinstance(value, dict):
        return Found(place, value)
    return Found(place, None, "not an object", f"expected an object, found {type(value).__name__}")


def _loads(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _table(
    source: Source, records: Iterator[tuple[int, list[str] | str]], wanted: Wanted
) -> Iterator[Found]:
    """Records by the names of a header, or by position where there is none."""
    names: list[str] | None = None
    for number, fields in records:
        place = f"{source.location}:{number}"
        if isinstance(fields, str):
            yield Found(place, None, "invalid CSV", fields)
            continue
        if names is None:
            if wanted.header:
                names = _header(fields, place)
                continue
            names = [str(position) for position in range(len(fields))]
        if len(fields) != len(names):
            detail = f"{len(fields)} fields where {len(names)} are expected"
            yield Found(place, None, "wrong number of fields", detail)
            continue
        yield Found(place, dict(zip(names, fields, strict=True)))


def _header(fields: list[str], place: str) -> list[str]:
    repeated = sorted({name for name in fields if fields.count(name) > 1})
    if repeated:
        raise InputError(f"{place}: the header names {', '.join(map(repr, repeated))} twice")
    return fields


def _csv_records(reader: Any) -> Iterator[tuple[int, list[str] | str]]:
    """Line number with the fields, or with what is wrong with them; empty lines are no rows."""
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reader.line_num, str(error)
        else:
            if fields:
                yield reader.line_num, fields


def _batch_rows(batch: Any) -> Iterator[dict[str, Any] | str]:
    """Rows of a record batch; a message instead of a row that is not UTF-8."""
    try:
        yield from batch.to_pylist()
    except UnicodeDecodeError:
        for index in range(batch.num_rows):
            try:
                yield {name: batch.column(name)[index].as_py() for name in batch.schema.names}
            except UnicodeDecodeError as error:
                yield f"not UTF-8 at byte {error.start + 1}"


def _lines(source: Source) -> Iterator[tuple[int, bytes]]:
    """Lines with their number from 1; a byte order mark at the start is dropped."""
    with _opened(source) as stream:
        for number, line in enumerate(stream, start=1):
            yield number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line


@contextmanager
def _opened(source: Source) -> Iterator[BinaryIO]:
    """The uncompressed bytes of a file. A damaged archive is an InputError."""
    place = source.location
    suffix = (place.partition("?")[0] if place.startswith("s3:") else place).rpartition(".")[2]
    try:
        if suffix == "gz":
            with gzip.open(source.path) as zipped:
                yield cast(BinaryIO, zipped)
        elif suffix == "zst":
            import pyarrow as pa

            with pa.input_stream(str(source.path), compression="zstd") as unpacked:
                yield cast(BinaryIO, io.BufferedReader(unpacked, 1 << 20))
        else:
            with source.path.open("rb") as plain:
                yield plain
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(f"{source.location}: truncated or damaged file: {error}") from error
