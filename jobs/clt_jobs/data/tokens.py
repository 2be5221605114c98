"""Token artifacts as flat arrays: one int32 array of all tokens and where each row starts.

The loss mask of a row is zero before ``prompt_lengths`` and one from there on.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa


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


def read_tokens(directory: Path) -> TokenTable:
    """The table of a ``tokens`` output directory."""
    raise NotImplementedError
