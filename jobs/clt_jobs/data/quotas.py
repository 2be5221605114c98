"""Quotas become numbers of samples.

In samples a quota is the number itself. In tokens or supervised tokens it is the smallest
prefix of the component's permuted rows whose sum reaches the quota: too much by less than one
row. A quota above the source is an error unless ``max_repeats`` allows whole passes over it; the
last pass is a prefix again, so every epoch holds the same rows.

``match`` multiplies all quotas by one factor so that the mixture's total meets that of reference
quotas. Scaled quotas are rounded to the nearest whole; the total is a step function of the
factor, and of the two steps around the reference the nearer is taken (the lower on ties). It
is off by at most half of what one step adds: half a row of each component that steps there.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clt_operator.api.errors import InputError
from clt_operator.api.kinds.train import Component, Match, Mixture

Int64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Supply:
    """What the rows of one component's pool add up to, in permutation order."""

    component: Component
    running: Mapping[str, Int64]  # unit -> cumulative sum over the pool's rows

    def __len__(self) -> int:
        return len(self.running["samples"])

    def amount(self, unit: str, samples: int) -> int:
        """The units in the first ``samples`` visits, passes over the pool included."""
        running = self.running[unit]
        passes, rest = divmod(samples, max(1, len(self)))
        whole = passes * int(running[-1]) if passes else 0
        return whole + (int(running[rest - 1]) if rest else 0)

    def capacity(self, unit: str, max_repeats: int) -> int:
        """The largest quota that can be met."""
        return self.amount(unit, len(self)) * max_repeats

    def asked(self, unit: str) -> int:
        """What the component asks for: its quota, or all that there is."""
        return self.amount(unit, len(self)) if self.component.everything else self.component.quota

    def samples(self, unit: str, quota: int, max_repeats: int) -> int:
        """The smallest number of visits that reach the quota. Raises InputError."""
        if quota > self.capacity(unit, max_repeats):
            where = f"task {self.component.task}, language {self.component.language}"
            repeats = f", each row at most {max_repeats} times," if max_repeats > 1 else ""
            raise InputError(
                f"{where}: asked {quota} {unit}, available {self.capacity(unit, max_repeats)}"
                f"{repeats} after {self.component.validation} validation items: "
                f"ask for less, or raise maxRepeats"
            )
        if not quota:
            return 0
        passes, rest = divmod(quota, self.amount(unit, len(self)))
        found = int(np.searchsorted(self.running[unit], rest, side="left")) + 1 if rest else 0
        return passes * len(self) + found


@dataclass(frozen=True)
class Scale:
    """What ``match`` came to; kept for the record."""

    unit: str
    factor: float
    reference: int
    total: int


def sample_quotas(mixture: Mixture, supplies: Sequence[Supply]) -> tuple[list[int], Scale | None]:
    """Samples per component and epoch. Raises InputError where a source runs out."""
    if mixture.match is None:
        return _scaled(mixture, supplies, 1.0), None
    return _matched(mixture, mixture.match, supplies)


def _scaled(mixture: Mixture, supplies: Sequence[Supply], factor: float) -> list[int]:
    """Samples per component for the quotas times ``factor``. Raises InputError."""
    unit, repeats = mixture.unit, mixture.max_repeats
    return [s.samples(unit, _rounded(s.asked(mixture.unit) * factor), repeats) for s in supplies]


def _rounded(value: float) -> int:
    return math.floor(value + 0.5)


def _matched(mixture: Mixture, match: Match, supplies: Sequence[Supply]) -> tuple[list[int], Scale]:
    reference = _reference(mixture, match, supplies)
    unit, repeats = mixture.unit, mixture.max_repeats
    asked = [(supply, supply.component.quota) for supply in supplies if supply.component.quota]

    def total(factor: float) -> int:
        """The total, with every component stopped at what it has: monotone in the factor."""
        return sum(
            s.amount(match.unit, s.samples(unit, min(_rounded(quota * factor), most), repeats))
            for s, quota in asked
            for most in [s.capacity(unit, repeats)]
        )

    low, high = 0.0, max(s.capacity(unit, repeats) / quota for s, quota in asked)
    if total(high) < reference:
        raise InputError(
            f"the mixture is to match {reference} {match.unit}, its sources hold "
            f"{total(high)}: ask for less, or raise maxRepeats"
        )
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if total(middle) < reference else (low, middle)
    under, over = total(low), total(high)
    factor, reached = (low, under) if reference - under <= over - reference else (high, over)
    return _scaled(mixture, supplies, factor), Scale(match.unit, factor, reference, reached)


def _reference(mixture: Mixture, match: Match, supplies: Sequence[Supply]) -> int:
    """The reference mixture's total in ``match.unit``."""
    by_input = {supply.component.input: supply for supply in supplies}
    unknown = sorted(set(match.quotas) - set(by_input))
    if unknown:
        raise InputError(
            f"the mixture is to match quotas of {', '.join(unknown)}, which it does not read: "
            f"its inputs are {', '.join(by_input)}"
        )
    if not any(supply.component.quota for supply in supplies):
        raise InputError("a mixture whose quotas are all 0 cannot be scaled to match another")
    if not any(match.quotas.values()):
        raise InputError("the quotas that the mixture is to match are all 0")
    total = 0
    for name, quota in match.quotas.items():
        supply = by_input[name]
        total += supply.amount(match.unit, supply.samples("samples", quota, mixture.max_repeats))
    return total
