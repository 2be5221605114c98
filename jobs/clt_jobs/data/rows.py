"""Rows: the one form of text data between sources, derivations and tokenising.

One Parquet file, ``rows.parquet``, with fixed columns. ``id`` is unique; ``item`` is shared by
parallel rows of several languages, so that a choice of items is the same choice everywhere. The
bytes are a function of the rows alone: fixed compression, fixed row groups, no metadata. Rows
stream through in bounded memory; only the ids are kept, to refuse a repeated one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from clt_jobs.data import parquet
from clt_operator.api.errors import InputError

FILE_NAME = "rows.parquet"
ROW_GROUP = 8192  # rows
SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("item", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("cluster", pa.string()),
        pa.field("prompt", pa.string()),
        pa.field("response", pa.string()),
        pa.field("answer", pa.string()),
        pa.field("options", pa.list_(pa.string())),
        pa.field("provenance", pa.string()),
        pa.field("extra", pa.string()),
    ]
)
_values = attrgetter(*SCHEMA.names)


@dataclass(frozen=True, slots=True)
class Row:
    """One row. ``extra`` is canonical JSON of further mapped fields."""

    id: str
    item: str
    language: str
    cluster: str | None = None
    prompt: str | None = None
    response: str | None = None
    answer: str | None = None
    options: tuple[str, ...] | None = None
    provenance: str | None = None
    extra: str | None = None


class RowWriter:
    """Writes rows one at a time; used as a context manager. Raises InputError for a repeated id.

    ``count`` is the number of rows written so far.
    """

    def __init__(self, path: Path) -> None:
        self.count = 0
        self._ids: set[str] = set()
        self._buffer: list[Row] = []
        self._writer = pq.ParquetWriter(_file(path), SCHEMA, **parquet.WRITING)

    def __enter__(self) -> "RowWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._flush()
        self._writer.close()

    def write(self, row: Row) -> None:
        if row.id in self._ids:
            raise InputError(f"row id {row.id!r} occurs twice: ids must be unique")
        self._ids.add(row.id)
        self._buffer.append(row)
        self.count += 1
        if len(self._buffer) == ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._buffer:
            self._writer.write_table(to_table(self._buffer), row_group_size=ROW_GROUP)
            self._buffer.clear()


def to_table(rows: Iterable[Row]) -> pa.Table:
    """Rows as a columnar table of ``SCHEMA``."""
    columns = list(zip(*map(_values, rows), strict=True)) or [()] * len(SCHEMA)
    arrays = [
        pa.array(column, type=field.type) for column, field in zip(columns, SCHEMA, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def write_rows(path: Path, rows: Iterable[Row]) -> int:
    """Writes ``rows.parquet`` in a directory (or a file of the given name); returns the count."""
    with RowWriter(path) as writer:
        for row in rows:
            writer.write(row)
    return writer.count


def read_table(path: Path) -> pa.Table:
    """All rows as a columnar table; ``path`` is the file or the directory that holds it.

    Raises InputError where the file is not a rows artifact.
    """
    return parquet.read_table(_file(path), SCHEMA)


def read_rows(path: Path) -> list[Row]:
    """All rows, in the order of the file. Raises InputError as ``read_table``."""
    return list(iter_rows(read_table(path)))


def iter_rows(table: pa.Table) -> Iterator[Row]:
    """The rows of a table of ``SCHEMA``."""
    for batch in table.to_batches(max_chunksize=ROW_GROUP):
        columns = [batch.column(name).to_pylist() for name in SCHEMA.names]
        for values in zip(*columns, strict=True):
            row = Row(*values)
            yield row if row.options is None else replace(row, options=tuple(row.options))


def _file(path: Path) -> Path:
    return path / FILE_NAME if path.is_dir() else path
