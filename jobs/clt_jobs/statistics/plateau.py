"""Where a curve stops growing: the smallest k after which no larger k adds a margin δ.

"No larger k adds δ" is a claim of absence, so it needs upper bounds that hold at once for all
pairs k < k', never a test that failed to find a difference.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from clt_jobs.statistics.arrays import Bools, Floats, Ints
from clt_jobs.statistics.refusal import Refused
from clt_jobs.statistics.simultaneous import draws


@dataclass(frozen=True)
class Plateau:
    """``index`` of the plateau among the points, or None: not reached.

    ``distribution`` (K+1,): how often each point (the last entry: none) is the plateau over
    draws of the sampling error.
    """

    index: int | None
    distribution: Floats
    critical: float


def plateau(
    means: Floats, noise: Floats, margin: float, *, df: float = np.inf, confidence: float = 0.95
) -> Plateau:
    """The plateau of a curve (K,) whose estimates have joint covariance ``noise`` (K, K).

    The last point has no larger one, so it is no evidence: at least two points must remain.
    """
    values = np.asarray(means, dtype=np.float64)
    if margin <= 0:
        raise Refused("a plateau needs a margin above zero")
    if values.size < 3 or np.isnan(values).any():
        raise Refused("a plateau needs three points or more, none of them missing")
    first, second = np.triu_indices(values.size, 1)
    variance = np.diag(noise)[first] + np.diag(noise)[second] - 2 * noise[first, second]
    errors = np.sqrt(np.maximum(variance, 0.0))
    sampled = draws(noise)
    safe = np.where(errors > 0, errors, 1.0)
    largest = np.max((sampled[:, second] - sampled[:, first]) / safe, axis=1)
    critical = float(np.quantile(largest, confidence))
    if np.isfinite(df):  # the Student quantile of the same tail area
        critical = float(-special.stdtrit(df, float(special.ndtr(-critical))))
    bound = critical * errors
    found = _first(values[None, :], first, second, bound, margin)[0]
    simulated = _first(values + sampled, first, second, bound, margin)
    counts = np.bincount(simulated, minlength=values.size + 1)
    index = None if found == values.size else int(found)
    return Plateau(index, np.asarray(counts / counts.sum()), critical)


def _first(curves: Floats, first: Ints, second: Ints, bound: Floats, margin: float) -> Ints:
    """For curves (B, K) the first index all of whose bounds lie below the margin; K: none."""
    count = curves.shape[1]
    exceeds = curves[:, second] - curves[:, first] + bound >= margin
    fails = np.zeros((curves.shape[0], count), dtype=np.bool_)
    for index in range(count - 1):
        fails[:, index] = exceeds[:, first == index].any(axis=1)
    fails[:, -1] = True  # nothing lies beyond the last point
    candidates: Bools = ~fails
    return np.asarray(np.where(candidates.any(axis=1), candidates.argmax(axis=1), count))
