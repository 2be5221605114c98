"""The table that generate writes and score reads: one row per item."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from clt_jobs.data.parquet import read_table
from clt_jobs.metrics.records import Generation

FILE_NAME = "records.parquet"


def _text(name: str) -> pa.Field:
    return pa.field(name, pa.string(), nullable=False)


SCHEMA = pa.schema(
    [
        _text("item"),
        pa.field("cluster", pa.string()),
        _text("prompt_sha256"),
        pa.field("prompt_tokens", pa.int32(), nullable=False),
        _text("output"),
        pa.field("output_tokens", pa.int32(), nullable=False),
        _text("finish_reason"),
        pa.field("answer", pa.string()),
        pa.field("response", pa.string()),
        pa.field("prompt", pa.string()),
    ]
)


def read_generations(directory: Path) -> list[Generation]:
    """The records of a cell, in the order of the file. Raises InputError for another table."""
    return list(_iterate(read_table(directory / FILE_NAME, SCHEMA)))


def _iterate(table: pa.Table) -> Iterator[Generation]:
    for row in table.to_pylist():
        yield Generation(
            item=row["item"],
            output=row["output"],
            answer=row["answer"] or "",
            response=row["response"] or "",
            finish_reason=row["finish_reason"],
            cluster=row["cluster"] or "",
            prompt=row["prompt"] or "",
        )
