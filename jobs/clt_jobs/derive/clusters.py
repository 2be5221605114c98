"""The clusters artifact: which cluster an item belongs to.

One Parquet file, ``clusters.parquet``, with the string columns ``item`` and ``cluster``, one
row per item, in the order of the items' first rows.
"""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from clt_jobs.data.parquet import read_table, write_records

FILE_NAME = "clusters.parquet"
SCHEMA = pa.schema(
    [
        pa.field("item", pa.string(), nullable=False),
        pa.field("cluster", pa.string(), nullable=False),
    ]
)


def write_clusters(directory: Path, clusters: Mapping[str, str]) -> None:
    """Writes cluster by item; the bytes are a function of the mapping and its order."""
    records = ({"item": item, "cluster": name} for item, name in clusters.items())
    write_records(directory / FILE_NAME, SCHEMA, records)


def read_clusters(directory: Path) -> dict[str, str]:
    """Cluster by item. Raises InputError where the file is none of clusters."""
    table = read_table(directory / FILE_NAME, SCHEMA)
    return dict(zip(*(table.column(name).to_pylist() for name in SCHEMA.names), strict=True))
