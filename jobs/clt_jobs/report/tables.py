"""Tables as Parquet with the same bytes for the same rows.

Row order, column types and writer settings are fixed; no metadata but the schema is written.
"""

import math
import types
from collections.abc import Sequence
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import pyarrow as pa
import pyarrow.parquet as pq

_TYPES = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


def schema_of(row: type[Any]) -> pa.Schema:
    """The Arrow schema of a row type."""
    hints = get_type_hints(row)
    return pa.schema([pa.field(f.name, _TYPES[_plain(hints[f.name])]) for f in fields(row)])


def _plain(hint: Any) -> type:
    """T of ``T | None``."""
    if get_origin(hint) in (Union, types.UnionType):
        (found,) = (part for part in get_args(hint) if part is not type(None))
        return _plain(found)
    return hint  # type: ignore[no-any-return]


def table_of(row: type[Any], rows: Sequence[Any]) -> pa.Table:
    """Rows as a table, in the order given."""
    schema = schema_of(row)
    columns = list(zip(*(astuple(item) for item in rows), strict=True)) or [()] * len(schema)
    arrays = [
        pa.array([_value(v) for v in column], type=field.type)
        for column, field in zip(columns, schema, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _value(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def write_table(row: type[Any], rows: Sequence[Any], path: Path) -> None:
    """Writes one table; equal rows give equal bytes."""
    pq.write_table(
        table_of(row, rows),
        path,
        version="2.6",
        compression="zstd",
        compression_level=3,
        use_dictionary=True,
        row_group_size=1_000_000,
        store_schema=False,
    )
