"""The table that likelihood writes and score reads: one row per item."""

from pathlib import Path

import pyarrow as pa

from clt_jobs.data.parquet import read_table
from clt_jobs.metrics.records import Likelihood

FILE_NAME = "records.parquet"
SCHEMA = pa.schema(
    [
        pa.field("item", pa.string(), nullable=False),
        pa.field("cluster", pa.string()),
        pa.field("prompt_sha256", pa.string(), nullable=False),
        pa.field("gold", pa.string()),
        pa.field("gold_logprob", pa.float64(), nullable=False),
        pa.field("gold_tokens", pa.int32(), nullable=False),
        pa.field("options", pa.list_(pa.string()), nullable=False),
        pa.field("option_logprobs", pa.list_(pa.float64()), nullable=False),
        pa.field("option_tokens", pa.list_(pa.int32()), nullable=False),
        pa.field("truncated", pa.bool_(), nullable=False),
    ]
)


def read_likelihoods(directory: Path) -> list[Likelihood]:
    """The records of a cell, in the order of the file. Raises InputError for another table."""
    return [
        Likelihood(
            item=row["item"],
            gold_logprob=row["gold_logprob"],
            option_logprobs=tuple(row["option_logprobs"]),
            gold=row["gold"] or "",
            options=tuple(row["options"]),
            truncated=row["truncated"],
            cluster=row["cluster"] or "",
        )
        for row in read_table(directory / FILE_NAME, SCHEMA).to_pylist()
    ]
