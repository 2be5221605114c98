"""Rank association over sweep points: for reproduction, never as evidence of transfer.

Seen and unseen both grow with k, so their correlation over the points says little; the partial
correlation given k stands beside it. No p-values: the points are not a sample.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from clt_jobs.statistics.arrays import Floats
from clt_jobs.statistics.refusal import Refused

SMALLEST = 4  # below this many points ranks say nothing


@dataclass(frozen=True)
class Association:
    rho: float
    n: int
    unit: str


def spearman(first: Floats, second: Floats, unit: str = "sweep points") -> Association:
    """Spearman's ρ of two series (n,), with n and what the n are."""
    x, y = _ranks(first, second)
    return Association(_pearson(x, y), x.size, unit)


def partial_spearman(
    first: Floats, second: Floats, given: Floats, unit: str = "sweep points"
) -> Association:
    """Pearson's partial correlation on ranks: of ``first`` and ``second`` given ``given``.

    ρ_xy.z = (ρ_xy − ρ_xz ρ_yz) / sqrt((1 − ρ_xz²)(1 − ρ_yz²)).
    """
    x, y, z = _ranks(first, second, given)
    xy, xz, yz = _pearson(x, y), _pearson(x, z), _pearson(y, z)
    rest = (1 - xz**2) * (1 - yz**2)
    if rest < 1e-12:
        raise Refused("a series is a function of k: nothing is left to correlate")
    return Association(float((xy - xz * yz) / np.sqrt(rest)), x.size, unit)


def _ranks(*series: Floats) -> list[Floats]:
    arrays = [np.asarray(values, dtype=np.float64) for values in series]
    if arrays[0].size < SMALLEST:
        raise Refused(f"{arrays[0].size} points are too few for a rank correlation")
    if any(np.isnan(values).any() for values in arrays):
        raise Refused("a point is missing")
    return [np.asarray(stats.rankdata(values), dtype=np.float64) for values in arrays]


def _pearson(x: Floats, y: Floats) -> float:
    dx, dy = x - x.mean(), y - y.mean()
    scale = np.sqrt((dx @ dx) * (dy @ dy))
    if scale == 0:
        raise Refused("a series is constant: its ranks do not vary")
    return float(dx @ dy / scale)
