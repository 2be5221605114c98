"""The component sequence: quotas exact at every prefix.

After t positions a component with share p holds t·p rows, up or down by less than one. Among
the components whose share is due (t·p > count) the one with the earliest deadline,
(count + 1) / p, goes next, the lower index on ties. This is earliest-deadline-first on unit
tasks whose windows are [(count)/p, (count + 1)/p]; windows that sum to one processor always
fit (Baruah et al. 1996, "Proportionate progress"), hence the bound. Plain largest-deficit
does not keep it.

The sequence repeats after total / gcd positions, where the bound forces every count to its
quota, so one period is computed. It is cut into chunks that advance side by side in numpy from
guessed counts; a chunk whose predecessor ended elsewhere is computed again from there, until
all agree. What agrees is the sequential result, by induction from the first chunk.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clt_operator.api.errors import InputError

Int64 = npt.NDArray[np.int64]

# Distinct fractions a/q, b/r of at most 1 with q, r < 2**26 differ by more than 2**-52, the
# spacing of float64 there is 2**-53, and division rounds correctly: comparing the quotients
# as float64 is exact, ties included.
LARGEST_QUOTA = 2**26
LANES = 2048  # chunks that advance side by side, at most
SHORTEST_CHUNK = 128


@dataclass(frozen=True)
class ComponentSequence:
    """One period of the sequence, with counts every ``chunk`` positions."""

    quotas: Int64  # [m], reduced by their greatest common divisor
    period: int
    chunk: int
    components: npt.NDArray[np.int16]  # [period]
    checkpoints: Int64  # [chunks, m]: counts before each chunk

    def counts(self, position: int) -> Int64:
        """Rows per component among the first ``position`` positions, int64[m]."""
        periods, inside = divmod(position, self.period)
        number = inside // self.chunk
        tail = self.components[number * self.chunk : inside]
        counts: Int64 = self.checkpoints[number] + np.bincount(tail, minlength=len(self.quotas))
        counts += periods * self.quotas
        return counts

    def slice(self, start: int, stop: int) -> npt.NDArray[np.int32]:
        """The components at positions start..stop, int32."""
        first, inside = divmod(start, self.period)
        periods = -(-stop // self.period) - first
        if periods <= 1:
            return self.components[inside : inside + stop - start].astype(np.int32)
        repeated = np.tile(self.components, periods)
        return repeated[inside : inside + stop - start].astype(np.int32)


def component_sequence(quotas: Sequence[int]) -> ComponentSequence:
    """The sequence for quotas in samples; components with quota 0 never appear.

    Raises InputError where no quota is positive or one is too large to compare exactly.
    """
    divisor = math.gcd(*quotas)
    if divisor <= 0 or min(quotas) < 0:
        raise InputError(f"a mixture needs at least one sample, the quotas are {list(quotas)}")
    reduced = np.array([quota // divisor for quota in quotas], dtype=np.int64)
    if reduced.max() >= LARGEST_QUOTA or len(reduced) > np.iinfo(np.int16).max:
        raise InputError(
            f"a component of {reduced.max()} samples is above the {LARGEST_QUOTA} that one "
            f"epoch orders exactly: split it, or use more epochs of fewer samples"
        )
    period = int(reduced.sum())
    chunk = max(SHORTEST_CHUNK, -(-period // LANES))
    starts = np.arange(0, period, chunk, dtype=np.int64)
    components, checkpoints = _agree(reduced, starts, chunk)
    return ComponentSequence(reduced, period, chunk, components[:period], checkpoints)


def _agree(quotas: Int64, starts: Int64, chunk: int) -> tuple[npt.NDArray[np.int16], Int64]:
    """All chunks, each begun where its predecessor ended."""
    begins = _guess(quotas, starts)
    ends = np.empty_like(begins)
    components = np.empty((len(starts), chunk), dtype=np.int16)
    stale = np.ones(len(starts), dtype=bool)
    while stale.any():
        components[stale], ends[stale] = _advance(quotas, starts[stale], begins[stale], chunk)
        stale[0] = False
        stale[1:] = (begins[1:] != ends[:-1]).any(axis=1)
        begins[1:] = ends[:-1]
    return components.reshape(-1), begins


def _guess(quotas: Int64, starts: Int64) -> Int64:
    """Counts near the true ones: whole shares, and the rest to the earliest deadlines."""
    shares = starts[:, None] * quotas
    total = quotas.sum()
    counts: Int64 = shares // total
    due = (counts * total < shares) & (quotas > 0)
    deadlines = np.where(due, (counts + 1) / np.maximum(quotas, 1), np.inf)
    places = deadlines.argsort(axis=1, kind="stable").argsort(axis=1, kind="stable")
    missing = starts - counts.sum(axis=1)
    counts += places < missing[:, None]
    return counts


def _advance(
    quotas: Int64, starts: Int64, begins: Int64, steps: int
) -> tuple[npt.NDArray[np.int16], Int64]:
    """``steps`` positions of every lane from its counts: components [lanes, steps], counts."""
    lanes = np.arange(len(starts))
    total = int(quotas.sum())
    weights = quotas[:, None]
    divisors = np.maximum(weights, 1)
    counts = np.ascontiguousarray(begins.T)
    behind = weights * starts - counts * total  # share minus count, in units of 1 / total
    chosen = np.empty((steps, len(starts)), dtype=np.int16)
    for step in range(steps):
        behind += weights
        deadlines = (counts + 1) / divisors
        deadlines[behind <= 0] = np.inf
        best = deadlines.argmin(axis=0)
        chosen[step] = best
        counts[best, lanes] += 1
        behind[best, lanes] -= total
    return np.ascontiguousarray(chosen.T), counts.T
