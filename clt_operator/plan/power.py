"""What a design can see: the smallest true difference that it would probably find.

Normal quantiles throughout, so with two or three seeds the true figure is somewhat larger; it is
a figure for choosing items and seeds, not a promise.
"""

from math import sqrt
from statistics import NormalDist

# Nominally identical runs of the reference study differ by an RMS of .026 accuracy per language;
# one training's standard deviation is that over √2.
REFERENCE_SEED_SD = 0.026 / sqrt(2)


def minimum_detectable_effect(
    items: int,
    seeds: int,
    *,
    sd: float = 0.5,
    shared: float = 0.0,
    seed_sd: float = REFERENCE_SEED_SD,
    confidence: float = 0.95,
    power: float = 0.8,
    comparisons: int = 1,
) -> float:
    """The difference of two means on the same items that is found with this power.

    (z₁₋α⁄₂ + z_power) · sqrt(2 sd² (1 − shared) / items + 2 seed_sd² / seeds), in the metric's
    unit. ``sd`` is the standard deviation of one item's score (binary: at most 0.5); ``shared``
    the correlation of two runs over items, which pairing takes out (0: unpaired, the worst
    case); ``seed_sd`` that of one training's mean; ``comparisons`` divides α (Bonferroni).

    At 250 binary items, no pairing and no seed noise: 0.125.
    """
    if items < 1 or seeds < 1 or comparisons < 1:
        raise ValueError("items, seeds and comparisons are at least 1")
    normal = NormalDist()
    alpha = (1 - confidence) / comparisons
    quantiles = normal.inv_cdf(1 - alpha / 2) + normal.inv_cdf(power)
    variance = 2 * sd**2 * (1 - shared) / items + 2 * seed_sd**2 / seeds
    return quantiles * sqrt(variance)


def detection_threshold(items: int, *, sd: float = 0.5, confidence: float = 0.95) -> float:
    """The unpaired difference of two means that is just significant: z · sqrt(2 sd² / items)."""
    return NormalDist().inv_cdf((1 + confidence) / 2) * sqrt(2 * sd**2 / items)
