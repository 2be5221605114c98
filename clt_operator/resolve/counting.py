"""How many rows a file holds, as far as planning needs it: bad rows are fetch's to judge."""

import csv
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from clt_operator.api.errors import InputError
from clt_operator.api.languages import is_known, language

_FIELD_LIMIT = 1 << 27  # characters of one CSV field, as fetch reads them
_COLUMN = re.compile(r"\{\{|\}\}|\{([^{}|]*)[^{}]*\}")


def has_header(templates: Iterable[str], language_column: str) -> bool:
    """Whether a table's first line names its columns: not where all are named by position."""
    found = (match[1] for text in templates for match in _COLUMN.finditer(text))
    names = [name.strip() for name in found if name is not None]
    names += [language_column] if language_column else []
    return not names or not all(name.isdecimal() for name in names)


def count_rows(scheme: str, path: Path, column: str, value: str, header: bool) -> int:
    """Rows of a file; with a language column, those that have ``value`` there.

    Raises InputError where the file is not of the format.
    """
    try:
        if scheme == "parquet":
            return _count_parquet(path, column, value)
        if column:
            records = _records(scheme, path, header)
            return sum(1 for row in records if names(row.get(column), value))
        if scheme == "json":
            return len(_json_array(path))
        lines = _count_lines(scheme, path)
    except (ValueError, OSError, EOFError, RecursionError, zlib.error, csv.Error) as error:
        raise InputError(f"{path} cannot be read as {scheme}: {error}") from error
    return lines - 1 if scheme in ("tsv", "csv") and header and lines else lines


def names(cell: object, value: str) -> bool:
    """Whether a cell of the language column is the language wanted: to the letter, or, where
    a plain code is wanted, in any convention ("jpn" and "japanese" are ja)."""
    if cell == value:
        return True
    plain = is_known(value) and language(value).code == value
    return plain and isinstance(cell, str) and is_known(cell) and language(cell).code == value


def _count_lines(scheme: str, path: Path) -> int:
    """Lines that fetch takes for rows: in JSON lines white space is none, in a table it is."""
    with _opened(path) as stream:
        if scheme == "csv":
            return sum(1 for fields in _csv(stream) if fields)
        if scheme == "tsv":
            return sum(1 for line in stream if line.strip(b"\r\n"))
        return sum(1 for line in stream if line.strip())


def _records(scheme: str, path: Path, header: bool) -> Iterator[Mapping[str, object]]:
    if scheme == "json":
        yield from _json_array(path)
        return
    with _opened(path) as stream:
        if scheme == "jsonl":
            yield from (_json_row(line) for line in stream if line.strip())
            return
        if scheme == "csv":
            rows = (fields for fields in _csv(stream) if fields)
        else:
            text = io.TextIOWrapper(stream, "utf-8-sig", errors="replace", newline="\n")
            lines = (line.rstrip("\r\n") for line in text)
            rows = (line.split("\t") for line in lines if line)
        columns = next(rows, []) if header else None
        for row in rows:
            named = [str(at) for at in range(len(row))] if columns is None else columns
            yield dict(zip(named, row, strict=False))


def _csv(stream: IO[bytes]) -> Iterator[list[str]]:
    csv.field_size_limit(_FIELD_LIMIT)
    text = io.TextIOWrapper(stream, "utf-8-sig", errors="replace", newline="")
    yield from csv.reader(text)


def _json_array(path: Path) -> list[dict[str, object]]:
    with _opened(path) as stream:
        data = json.loads(stream.read())
    if not isinstance(data, list):
        raise ValueError("expected an array of objects; for one object a line use jsonl:")
    return [row if isinstance(row, dict) else {} for row in data]


def _json_row(line: bytes) -> dict[str, object]:
    try:
        row = json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return {}
    return row if isinstance(row, dict) else {}


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    if path.suffix == ".gz":
        with gzip.open(path) as zipped:
            yield cast(IO[bytes], zipped)
    elif path.suffix == ".zst":
        import pyarrow as pa  # noqa: PLC0415 - heavy

        with pa.input_stream(str(path), compression="zstd") as unpacked:
            yield cast(IO[bytes], io.BufferedReader(unpacked))
    else:
        with path.open("rb") as plain:
            yield plain


def _count_parquet(path: Path, column: str, value: str) -> int:
    import pyarrow as pa  # noqa: PLC0415 - heavy
    import pyarrow.compute as pc  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        if not column:
            return int(pq.read_metadata(path).num_rows)
        counts = pc.value_counts(pq.read_table(path, columns=[column])[column]).to_pylist()
        return sum(entry["counts"] for entry in counts if names(entry["values"], value))
    except (pa.ArrowException, KeyError) as error:
        raise ValueError(str(error)) from error
