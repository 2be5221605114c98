"""Statements about several estimates at once: max-T over joint resamples, Holm as the fallback.

The joint distribution is a multiplier bootstrap over items (clusters), jointly over languages
and points that answer the same items; as its multipliers are normal it is drawn from its exact
covariance. Seed parts are correlated as the design makes them (contrasts on one grid that share
a baseline) and independent otherwise, which cannot narrow the intervals. Estimates with their
own degrees of freedom are compared on the scale of their p-values (min-p, which is max-T where
the degrees of freedom agree). Westfall and Young (1993).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from clt_jobs.statistics.arrays import Floats
from clt_jobs.statistics.variance import Estimate

DRAWS = 20_000
SEED = 20_250_401  # a constant: the same tables from the same scores


@dataclass(frozen=True)
class Simultaneous:
    """Adjusted p and simultaneous limits, each (J,); NaN for estimates without an interval."""

    p: Floats
    lo: Floats
    hi: Floats
    method: str  # "max-T" or "Holm"


def holm(p: Floats) -> Floats:
    """Holm's step-down adjusted p-values (J,)."""
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    stepped = np.maximum.accumulate(values[order] * np.arange(values.size, 0, -1))
    result = np.empty_like(values)
    result[order] = np.minimum(stepped, 1.0)
    return result


def covariance(estimates: Sequence[Estimate]) -> Floats:
    """Joint covariance (J, J) of estimates: shared items, and seeds within a grid."""
    size = len(estimates)
    result = np.zeros((size, size))
    for i, first in enumerate(estimates):
        for j in range(i, size):
            result[i, j] = result[j, i] = _covariance(first, estimates[j])
    return result


def _covariance(first: Estimate, second: Estimate) -> float:
    items = 0.0
    if first.block == second.block and first.units.shape == second.units.shape:
        items = float(first.units @ second.units)
    if first.grid is not second.grid:
        return items
    norms = float(np.linalg.norm(first.weights) * np.linalg.norm(second.weights))
    cosine = float(first.weights @ second.weights) / norms if norms else 0.0
    return items + float(np.sqrt(first.v_seeds * second.v_seeds)) * cosine


def draws(matrix: Floats, count: int = DRAWS, seed: int = SEED) -> Floats:
    """Centred normal draws (count, J) with this covariance (negative eigenvalues set to 0)."""
    values, vectors = np.linalg.eigh(np.asarray(matrix, dtype=np.float64))
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    normal = np.random.default_rng(seed).standard_normal((count, values.size))
    return np.asarray(normal @ root.T)


def simultaneous(estimates: Sequence[Estimate], confidence: float = 0.95) -> Simultaneous:
    """Adjusted p-values and simultaneous limits of a family of estimates.

    A family of one is left as it is. Without a usable covariance the fallback is Holm for p and
    Bonferroni for the limits.
    """
    size = len(estimates)
    p, lo, hi = (np.full(size, np.nan) for _ in range(3))
    usable = [j for j, found in enumerate(estimates) if np.isfinite(found.p)]
    family = [estimates[j] for j in usable]
    if not family:
        return Simultaneous(p, lo, hi, "max-T")
    raw = np.array([found.p for found in family])
    adjusted, level, method = _adjusted(family, raw, 1 - confidence)
    for index, found, value in zip(usable, family, adjusted, strict=True):
        half = float(special.stdtrit(found.df, 1 - level / 2)) * found.se
        p[index], lo[index], hi[index] = value, found.estimate - half, found.estimate + half
    return Simultaneous(p, lo, hi, method)


def _adjusted(family: list[Estimate], raw: Floats, alpha: float) -> tuple[Floats, float, str]:
    """Adjusted p (J,), the level per comparison that keeps alpha over the family, the method."""
    size = raw.size
    if size == 1:
        return raw, alpha, "max-T"
    matrix = covariance(family)
    deviations = np.sqrt(np.diag(matrix))
    if not (np.isfinite(matrix).all() and (deviations > 0).all()):
        return holm(raw), alpha / size, "Holm"
    z = np.abs(draws(matrix / np.outer(deviations, deviations))).max(axis=1)
    smallest = np.sort(2 * special.ndtr(-z))
    count = np.searchsorted(smallest, raw, side="right")
    resampled = (count + 1) / (smallest.size + 1)
    bounded = np.minimum(np.maximum(resampled, raw), size * raw)  # Bonferroni always holds
    level = max(float(np.quantile(smallest, alpha)), alpha / size)
    return np.minimum(bounded, 1.0), level, "max-T"
