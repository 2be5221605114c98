"""Token artifacts as flat arrays: one int32 array of all tokens and where each row starts.

The loss mask of a row is zero before ``prompt_lengths`` and one from there on. The bytes of the
file are a function of the rows alone: fixed compression, fixed row groups, no metadata.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from clt_operator.api.errors import InputError

FILE_NAME = "tokens.parquet"
ROW_GROUP = 8192  # rows
SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("item", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("task", pa.string(), nullable=False),
        pa.field("tokens", pa.list_(pa.int32()), nullable=False),
        pa.field("prompt_length", pa.int32(), nullable=False),
    ]
)


@dataclass(frozen=True)
class TokenTable:
    """The rows of a ``tokens`` output; row i is ``tokens[offsets[i]:offsets[i + 1]]``."""

    ids: pa.Array  # string[n]
    items: pa.Array  # string[n]
    tokens: npt.NDArray[np.int32]  # flat
    offsets: npt.NDArray[np.int64]  # [n + 1]
    prompt_lengths: npt.NDArray[np.int32]  # [n]

    def __len__(self) -> int:
        return len(self.prompt_lengths)

    def row(self, index: int) -> npt.NDArray[np.int32]:
        """The tokens of one row, prompt and response: a view."""
        return self.tokens[self.offsets[index] : self.offsets[index + 1]]

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Tokens per row, int64[n]."""
        return np.diff(self.offsets)

    @property
    def supervised(self) -> npt.NDArray[np.int64]:
        """Supervised tokens per row (response and end of sequence), int64[n]."""
        return self.lengths - self.prompt_lengths


def open_writer(directory: Path) -> pq.ParquetWriter:
    """A writer of ``tokens.parquet``; write tables of ``SCHEMA`` of ``ROW_GROUP`` rows each."""
    return pq.ParquetWriter(
        directory / FILE_NAME,
        SCHEMA,
        version="2.6",
        compression="zstd",
        compression_level=3,
        store_schema=False,
        use_dictionary=["language", "task"],
    )


def read_tokens(directory: Path) -> TokenTable:
    """The table of a ``tokens`` output directory; ``directory`` may be the file itself.

    Raises InputError where the file is not a tokens artifact.
    """
    file = directory / FILE_NAME if directory.is_dir() else directory
    try:
        table = pq.read_table(file, columns=["id", "item", "tokens", "prompt_length"])
        flat, offsets = _flat(table.column("tokens"))
    except (OSError, KeyError, pa.ArrowInvalid) as error:
        raise InputError(f"{file.name}: not a readable tokens artifact: {error}") from error
    return TokenTable(
        ids=_whole(table.column("id")),
        items=_whole(table.column("item")),
        tokens=flat,
        offsets=offsets,
        prompt_lengths=_whole(table.column("prompt_length")).to_numpy(zero_copy_only=True),
    )


def _whole(column: pa.ChunkedArray) -> pa.Array:
    """One array; copied only where the file has several row groups."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _flat(
    column: pa.ChunkedArray,
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """Values and int64 offsets of a list column, over chunks whose own offsets are int32."""
    parts = [np.zeros(0, np.int32)] if not column.num_chunks else []
    lengths = [np.zeros(1, np.int64)]
    for chunk in column.chunks:
        parts.append(chunk.flatten().to_numpy(zero_copy_only=True))
        lengths.append(np.diff(chunk.offsets.to_numpy(zero_copy_only=True)).astype(np.int64))
    flat = parts[0] if len(parts) == 1 else np.concatenate(parts)
    return flat.astype(np.int32, copy=False), np.cumsum(np.concatenate(lengths))
