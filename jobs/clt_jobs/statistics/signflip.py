"""The sign-flip test over a few units, refused where it could not succeed.

With n units the smallest two-sided p is 2^(1−n): over 3 languages nothing below .25 can come
out, whatever the data, so such a test is not made.
"""

from itertools import product

import numpy as np

from clt_jobs.statistics.arrays import Floats
from clt_jobs.statistics.refusal import Refused

LARGEST = 16  # units for which all flips are enumerated


def smallest_p(units: int) -> float:
    """The smallest two-sided p that a sign-flip test over so many units can give."""
    return float(2.0 ** (1 - units)) if units > 0 else 1.0


def sign_flip(differences: Floats, alpha: float = 0.05) -> float:
    """Exact two-sided p of the mean of differences (n,) under random signs.

    Refused where p cannot go below alpha, and above 16 units (use the t interval).
    """
    values = np.asarray(differences, dtype=np.float64)
    least = smallest_p(values.size)
    if least > alpha:
        raise Refused(
            f"a sign-flip test over {values.size} units cannot go below p = {least:.3g}: not made"
        )
    if values.size > LARGEST:
        raise Refused(f"{values.size} units are too many to enumerate")
    signs = np.array(list(product((1.0, -1.0), repeat=values.size)))
    observed = abs(values.sum())
    return float((np.abs(signs @ values) >= observed - 1e-12).mean())
