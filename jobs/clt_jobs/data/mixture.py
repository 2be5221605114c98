"""The mixture: which row stands at which position of training, by index arithmetic alone.

A position of the global sequence maps to (component, row) without iterating: the component
sequence is exact at every prefix (see ``sequence``) and the same in every epoch; rows inside a
component follow a permutation of its subset (see ``subsets``, ``quotas``) that the order seed,
the epoch and the (task, language) decide. The state of a reader is one integer, the position,
and the fingerprint says that two readers mean the same sequence.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from hashlib import sha256
from typing import Any

import numpy as np
import numpy.typing as npt

from clt_jobs.data.permutation import rank
from clt_jobs.data.quotas import Scale, Supply, sample_quotas
from clt_jobs.data.sequence import ComponentSequence, component_sequence
from clt_jobs.data.subsets import pools
from clt_jobs.data.tokens import TokenTable
from clt_operator.api.errors import InputError
from clt_operator.api.keys import canonical
from clt_operator.api.kinds.train import Component, Mixture

Int64 = npt.NDArray[np.int64]
Int32 = npt.NDArray[np.int32]

ALGORITHM = 1  # raised when the same mixture over the same tables means another sequence
KEPT_ORDERS = 2  # epochs whose row orders are kept, per component and pass


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


@dataclass(frozen=True)
class Part:
    """One component as realised: the rows it may use and how many of them one epoch visits."""

    component: Component
    pool: Int64  # row indices, permutation order
    samples: int  # per epoch; above len(pool) the pool is passed over repeatedly
    tokens: Int64  # per row of the table
    supervised: Int64

    def pass_sizes(self) -> list[int]:
        """Rows of each pass over the pool in one epoch: whole passes, then a prefix."""
        passes, rest = divmod(self.samples, max(1, len(self.pool)))
        return [len(self.pool)] * passes + [rest] * bool(rest)


class Realised:
    """A mixture over concrete tables, readable at any position."""

    def __init__(
        self,
        *,
        mixture: Mixture,
        parts: Sequence[Part],
        validation: dict[str, Int64],
        total: int,
        scale: Scale | None,
        fingerprint: str,
    ) -> None:
        self.mixture = mixture
        self.parts = parts
        self.validation = validation  # component input -> row indices held out
        self.scale = scale
        self.fingerprint = fingerprint  # SHA-256 of everything that determines the order
        self.epoch_samples = sum(part.samples for part in parts)
        self._total = total
        self._sequence: ComponentSequence = component_sequence([part.samples for part in parts])
        self._orders: OrderedDict[tuple[int, int], Int64] = OrderedDict()

    def __len__(self) -> int:
        """Samples over all epochs."""
        return self._total

    def slice(self, start: int, stop: int) -> Samples:
        """Positions start..stop of the global sequence (0-based, stop excluded).

        Raises IndexError outside 0..len.
        """
        if not 0 <= start <= stop <= self._total:
            raise IndexError(f"positions {start}..{stop} of a sequence of {self._total}")
        pieces = []
        while start < stop:
            epoch, inside = divmod(start, self.epoch_samples)
            until = min(self.epoch_samples, inside + stop - start)
            pieces.append(self._within(epoch, inside, until))
            start += until - inside
        if not pieces:
            return Samples(np.empty(0, np.int32), np.empty(0, np.int64))
        return Samples(
            np.concatenate([piece.component for piece in pieces]),
            np.concatenate([piece.row for piece in pieces]),
        )

    def record(self, position: int) -> dict[str, Any]:
        """What was asked and what the first ``position`` samples gave, for ``mixture.json``:
        per component, language and task in samples, tokens, supervised tokens, and how many
        of the samples were unique rows and how many repeats."""
        got = [self._got(index, position) for index in range(len(self.parts))]
        components = [
            {
                "input": part.component.input,
                "task": part.component.task,
                "language": part.component.language,
                "asked": "all" if part.component.everything else part.component.quota,
                "samples_per_epoch": part.samples,
                "available": len(part.pool),
                "validation": len(self.validation[part.component.input]),
                **figures,
            }
            for part, figures in zip(self.parts, got, strict=True)
        ]
        return {
            "unit": self.mixture.unit,
            "alignment": self.mixture.alignment,
            "fingerprint": self.fingerprint,
            "samples_per_epoch": self.epoch_samples,
            "position": position,
            "match": None if self.scale is None else vars(self.scale),
            "components": components,
            "languages": self._summed(got, "language"),
            "tasks": self._summed(got, "task"),
            "total": {name: sum(figures[name] for figures in got) for name in got[0]},
        }

    def _within(self, epoch: int, start: int, stop: int) -> Samples:
        """A stretch that lies in one epoch."""
        component = self._sequence.slice(start, stop)
        row = np.empty(len(component), dtype=np.int64)
        begins, ends = self._sequence.counts(start), self._sequence.counts(stop)
        for index, (begin, end) in enumerate(zip(begins.tolist(), ends.tolist(), strict=True)):
            if end > begin:
                row[component == index] = self._visits(index, epoch)[begin:end]
        return Samples(component, row)

    def _visits(self, index: int, epoch: int) -> Int64:
        """The rows of one component in the order in which one epoch visits them."""
        known = self._orders.get((index, epoch))
        if known is None:
            part, seed = self.parts[index], self.mixture.order_seed
            salt = (part.component.task, part.component.language, str(epoch))
            known = np.concatenate(
                [
                    part.pool[shuffled(size, rank(str(number), seed, "rows", *salt))]
                    for number, size in enumerate(part.pass_sizes())
                ]
            )
            self._orders[index, epoch] = known
            if len(self._orders) > KEPT_ORDERS * len(self.parts):
                self._orders.popitem(last=False)
        return known

    def _got(self, index: int, position: int) -> dict[str, int]:
        """Figures of one component over the first ``position`` samples."""
        part = self.parts[index]
        epochs, inside = divmod(position, self.epoch_samples)
        times = np.zeros(len(part.tokens), dtype=np.int64)
        for size in part.pass_sizes():
            times[part.pool[:size]] += epochs
        partial = int(self._sequence.counts(inside)[index])
        if partial:
            times += np.bincount(self._visits(index, epochs)[:partial], minlength=len(times))
        samples, unique = int(times.sum()), int(np.count_nonzero(times))
        return {
            "samples": samples,
            "tokens": int(times @ part.tokens),
            "supervised_tokens": int(times @ part.supervised),
            "unique": unique,
            "repeated": samples - unique,
        }

    def _summed(self, got: Sequence[dict[str, int]], by: str) -> dict[str, dict[str, int]]:
        sums: dict[str, dict[str, int]] = {}
        for part, figures in zip(self.parts, got, strict=True):
            group = sums.setdefault(getattr(part.component, by), dict.fromkeys(figures, 0))
            for name, figure in figures.items():
                group[name] += figure
        return sums


def realise(
    mixture: Mixture,
    tables: Mapping[str, ComponentRows],
    *,
    epochs: float = 1.0,
    samples: int = 0,
    pivot: str = "en",
) -> Realised:
    """The exact sequence of a mixture.

    ``tables`` are keyed by ``Component.input``. The length is ``epochs`` times the epoch, cut to
    a whole number of samples, or ``samples`` where that is above 0 (a trainer that is told
    its number of steps). ``pivot`` matters for the alignment ``disjoint`` only.

    Raises InputError where a quota is above what is available, naming task, language, asked
    and available; where the mixture is empty; where an input is missing or named twice.
    """
    _check(mixture, tables)
    chosen = pools(mixture, {name: table.items for name, table in tables.items()}, pivot)
    supplies = [
        Supply(
            component,
            {
                "samples": np.arange(1, len(pool.train) + 1, dtype=np.int64),
                "tokens": np.cumsum(tables[component.input].tokens[pool.train]),
                "supervised_tokens": np.cumsum(tables[component.input].supervised[pool.train]),
            },
        )
        for component, pool in zip(mixture.components, chosen, strict=True)
    ]
    quotas, scale = sample_quotas(mixture, supplies)
    parts = [
        Part(c, pool.train, n, tables[c.input].tokens, tables[c.input].supervised)
        for c, pool, n in zip(mixture.components, chosen, quotas, strict=True)
    ]
    validation = {
        c.input: pool.validation for c, pool in zip(mixture.components, chosen, strict=True)
    }
    total = samples or int(Decimal(str(epochs)) * sum(quotas))
    if total <= 0:
        raise InputError(f"{epochs} epochs of quotas {quotas} are no sample at all")
    return Realised(
        mixture=mixture,
        parts=parts,
        validation=validation,
        total=total,
        scale=scale,
        fingerprint=_fingerprint(mixture, parts, validation, tables),
    )


def shuffled(size: int, seed: int) -> Int64:
    """A permutation of 0..size - 1: the order of SplitMix64 outputs (Steele et al. 2014).

    A prefix of a longer range keeps its relative order, so subsets that nest are visited in
    the same relative order. Written out because numpy's generators may change between
    releases.
    """
    state = np.arange(1, size + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    state += np.uint64(seed)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.argsort(state ^ (state >> np.uint64(31)), kind="stable")


def _check(mixture: Mixture, tables: Mapping[str, ComponentRows]) -> None:
    names = [component.input for component in mixture.components]
    twice = sorted({name for name in names if names.count(name) > 1})
    if not names:
        raise InputError("the mixture has no components: name at least one language and task")
    if twice:
        raise InputError(f"mixture input {', '.join(twice)} is named by several components")
    if missing := [name for name in names if name not in tables]:
        raise InputError(f"mixture input {', '.join(missing)} has no tokens")


def _fingerprint(
    mixture: Mixture,
    parts: Sequence[Part],
    validation: Mapping[str, Int64],
    tables: Mapping[str, ComponentRows],
) -> str:
    """Hash of the mixture and of every row that it uses: place, item, tokens."""
    hasher = sha256(canonical([ALGORITHM, mixture.model_dump(mode="json")]).encode())
    for part in parts:
        used = part.pool[: min(part.samples, len(part.pool))]
        items = tables[part.component.input].items
        for rows in (used, validation[part.component.input]):
            named = canonical([items[row] for row in rows.tolist()])
            for data in (rows, part.tokens[rows], part.supervised[rows]):
                hasher.update(np.ascontiguousarray(data, dtype="<i8").tobytes())
            hasher.update(named.encode())
    return hasher.hexdigest()
