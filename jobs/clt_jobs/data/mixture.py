"""The mixture: which row stands at which position of training, by index arithmetic alone.

A position of the global sequence maps to (component, row) without iterating: the component
sequence is exact at every prefix (see ``sequence``), rows inside a component follow a seeded
permutation of its subset (see ``subsets``) that changes every epoch. The state of a reader is
one integer, the position, and the fingerprint says that two readers mean the same sequence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from clt_jobs.data.tokens import TokenTable
from clt_operator.api.kinds.train import Mixture

Int64 = npt.NDArray[np.int64]
Int32 = npt.NDArray[np.int32]


@dataclass(frozen=True)
class ComponentRows:
    """What the mixture must know of one component's table: one entry per row."""

    items: Sequence[str]
    tokens: Int64
    supervised: Int64

    @staticmethod
    def of(table: TokenTable) -> "ComponentRows":
        return ComponentRows(table.items.to_pylist(), table.lengths, table.supervised)


@dataclass(frozen=True)
class Samples:
    """A stretch of the global sequence: parallel arrays."""

    component: Int32  # index into the mixture's components
    row: Int64  # index into that component's table


class Realised:
    """A mixture over concrete tables, readable at any position."""

    fingerprint: str  # SHA-256 of everything that determines the order
    epoch_samples: int  # samples in one epoch
    validation: dict[str, Int64]  # component input -> row indices held out

    def __len__(self) -> int:
        """Samples over all epochs."""
        raise NotImplementedError

    def slice(self, start: int, stop: int) -> Samples:
        """Positions start..stop of the global sequence (0-based, stop excluded)."""
        raise NotImplementedError

    def record(self, position: int) -> dict[str, Any]:
        """What was asked and what the first ``position`` samples gave, for ``mixture.json``:
        per component, language and task in samples, tokens, supervised tokens, and how many
        were unique and repeated."""
        raise NotImplementedError


def realise(
    mixture: Mixture,
    tables: Mapping[str, ComponentRows],
    *,
    epochs: float = 1.0,
    samples: int = 0,
    pivot: str = "en",
) -> Realised:
    """The exact sequence of a mixture.

    ``tables`` are keyed by ``Component.input``. ``samples`` above 0 is the total length,
    whatever the epochs (a trainer that is told its number of steps). ``pivot`` matters for
    the alignment ``disjoint`` only.

    Raises InputError where a quota is above what is available, naming task, language, asked
    and available.
    """
    raise NotImplementedError
