"""Small Parquet tables of a declared schema: the bytes are a function of the rows alone.

Fixed compression, fixed row groups, no metadata of the writer's process.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from clt_operator.api.errors import InputError

WRITING = {"compression": "zstd", "compression_level": 3, "store_schema": False, "version": "2.6"}


def write_records(path: Path, schema: pa.Schema, records: Iterable[Mapping[str, Any]]) -> int:
    """Writes records in their order; returns how many."""
    table = pa.Table.from_pylist([dict(record) for record in records], schema=schema)
    pq.write_table(table, path, **WRITING)
    return int(table.num_rows)


def read_table(path: Path, schema: pa.Schema) -> pa.Table:
    """The columns of ``schema``, in its order; a column that it marks nullable may be absent
    and reads as null.

    Raises InputError where the file is unreadable, or where columns are missing or of
    another type.
    """
    try:
        table = pq.ParquetFile(path).read()  # the file alone: no partition is read from its path
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{path.name}: not a readable Parquet file: {error}") from error
    present = set(table.column_names)
    missing = [field.name for field in schema if field.name not in present and not field.nullable]
    if missing:
        raise InputError(
            f"{path.name}: columns {', '.join(missing)} are missing; "
            f"it has {', '.join(table.column_names)}"
        )
    columns = [
        table[field.name] if field.name in present else pa.nulls(len(table), field.type)
        for field in schema
    ]
    try:
        cast = [column.cast(field.type) for column, field in zip(columns, schema, strict=True)]
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InputError(f"{path.name}: a column has another type: {error}") from error
    return pa.Table.from_arrays(cast, schema=schema)
