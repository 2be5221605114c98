"""The clusters artifact: which cluster an item belongs to.

One Parquet file, ``clusters.parquet``, with the string columns ``item`` and ``cluster``, one
row per item, in the order of the items' first rows.
"""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from clt_operator.api.errors import InputError

FILE_NAME = "clusters.parquet"
SCHEMA = pa.schema(
    [
        pa.field("item", pa.string(), nullable=False),
        pa.field("cluster", pa.string(), nullable=False),
    ]
)


def write_clusters(directory: Path, clusters: Mapping[str, str]) -> None:
    """Writes cluster by item; the bytes are a function of the mapping and its order."""
    arrays = [pa.array(list(clusters), pa.string()), pa.array(clusters.values(), pa.string())]
    pq.write_table(
        pa.Table.from_arrays(arrays, schema=SCHEMA),
        directory / FILE_NAME,
        version="2.6",
        compression="zstd",
        compression_level=3,
        store_schema=False,
    )


def read_clusters(directory: Path) -> dict[str, str]:
    """Cluster by item. Raises InputError where the file is none of clusters."""
    try:
        table = pq.read_table(directory / FILE_NAME)
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(f"{FILE_NAME}: not a readable Parquet file: {error}") from error
    if table.column_names != SCHEMA.names:
        raise InputError(f"{FILE_NAME}: columns are {', '.join(table.column_names)}")
    return dict(zip(*(table.column(name).to_pylist() for name in SCHEMA.names), strict=True))
