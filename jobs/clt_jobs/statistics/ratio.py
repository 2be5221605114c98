"""Fieller's interval of a ratio of two estimates, such as τ = Δunseen / Δseen.

Fieller (1954): the set of τ for which (a − τ b)² ≤ t² Var(a − τ b). It is an interval only
where b differs from zero; elsewhere the ratio is refused.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from clt_jobs.statistics.refusal import Refused


@dataclass(frozen=True)
class Ratio:
    value: float
    lo: float
    hi: float
    df: float


def fieller(
    numerator: float,
    denominator: float,
    *,
    var_numerator: float,
    var_denominator: float,
    covariance: float,
    df: float,
    confidence: float = 0.95,
) -> Ratio:
    """Ratio with its Fieller interval; refused where the denominator may be zero."""
    t2 = float(special.stdtrit(df, (1 + confidence) / 2)) ** 2
    a = denominator**2 - t2 * var_denominator
    if not a > 0:
        raise Refused("the denominator is indistinguishable from 0")
    b = numerator * denominator - t2 * covariance
    c = numerator**2 - t2 * var_numerator
    root = float(np.sqrt(max(0.0, b * b - a * c)))
    return Ratio(numerator / denominator, (b - root) / a, (b + root) / a, df)
