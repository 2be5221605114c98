"""Quantities of a whole curve: descriptive ones with their caveat, and the plateau."""

from collections.abc import Callable, Iterator

import numpy as np

from clt_jobs.report.quantities import NO_RATIO, Grids, whole_row
from clt_jobs.report.rows import QuantityRow
from clt_jobs.statistics import quantities as formulas
from clt_jobs.statistics.arrays import Floats
from clt_jobs.statistics.association import Association, partial_spearman, spearman
from clt_jobs.statistics.plateau import plateau
from clt_jobs.statistics.refusal import Refused
from clt_jobs.statistics.simultaneous import covariance, draws
from clt_jobs.statistics.variance import estimate

POINTS = "sweep points"
NOISE_DRAWS = 4000


def whole_rows(grids: Grids, plateau_margin: float, confidence: float) -> Iterator[QuantityRow]:
    """gain, peak, rank correlations and, where a margin is stated, plateaus."""
    curve = grids.curve
    n = len(curve.main)
    if n > 1:
        yield whole_row(curve, "gain", lambda: _gain(grids), n=n)
        yield whole_row(curve, "gain_under_no_effect", lambda: _null_gain(grids), n=n)
        yield whole_row(curve, "peak", lambda: _peak(grids), n=n, unit=curve.scale.unit)
    for name, partial in (("spearman", False), ("spearman_given_k", True)):
        yield whole_row(curve, name, _association(grids, partial), n=n, unit=POINTS)
    if plateau_margin > 0:
        for group in ("nonpivot", "seen", "unseen"):
            if curve.group(group):
                yield whole_row(
                    curve,
                    f"plateau_{group}",
                    _plateau(grids, group, plateau_margin, confidence),
                    n=n,
                    unit="k",
                )


def _gain(grids: Grids) -> tuple[float, str]:
    _ratio_only(grids)
    relative = np.array(grids.relative_values())
    best = grids.curve.ks[int(relative.argmax())]
    return formulas.gain(relative), f"descriptive, biased upwards; best rel at k={best}"


def _null_gain(grids: Grids) -> tuple[float, str]:
    """What the maximum over the points would show if nothing happened, from the noise of rel."""
    _ratio_only(grids)
    found = [estimate(grids.rel, grids.curve.at(i)) for i in grids.curve.main]
    noise = draws(covariance(found), NOISE_DRAWS)
    return formulas.expected_gain_under_no_effect(noise), "noise alone, by simulation"


def _ratio_only(grids: Grids) -> None:
    if not grids.curve.scale.ratio:
        raise Refused(NO_RATIO)


def _peak(grids: Grids) -> tuple[float, str]:
    curve = grids.curve
    value, index = formulas.peak(grids.means[list(curve.main)], grids.pivot)
    return value, f"descriptive, biased upwards; at k={curve.ks[index]}"


def _association(grids: Grids, partial: bool) -> Callable[[], tuple[float, str]]:
    def make() -> tuple[float, str]:
        curve = grids.curve
        means = grids.means[list(curve.main)]
        seen, unseen = (formulas.group_mean(means, curve.group(g)) for g in ("seen", "unseen"))
        found: Association
        if partial:
            found = partial_spearman(seen, unseen, np.array(curve.ks, dtype=np.float64))
            return found.rho, "given k, on ranks"
        found = spearman(seen, unseen)
        return found.rho, "for reproduction: both follow k, see the partial correlation"

    return make


def _plateau(
    grids: Grids, group: str, margin: float, confidence: float
) -> Callable[[], tuple[float, str]]:
    def make() -> tuple[float, str]:
        curve = grids.curve
        means, noise, df = _curve_noise(grids, group)
        found = plateau(means, noise, margin, df=df, confidence=confidence)
        reached = zip(curve.ks, found.distribution[:-1], strict=True)
        named = [(f"k={k}", share) for k, share in reached]
        named.append(("not reached", found.distribution[-1]))
        spread = ", ".join(f"{name}: {share:.0%}" for name, share in named if share >= 0.005)
        if found.index is None:
            return float("nan"), f"not reached, margin {margin:g} (resampled: {spread})"
        return float(curve.ks[found.index]), f"margin {margin:g} (resampled: {spread})"

    return make


def _curve_noise(grids: Grids, group: str) -> tuple[Floats, Floats, float]:
    """Means (K,), their joint covariance (K, K) up to what all points share, and df."""
    curve, grid = grids.curve, grids.group(group)
    levels = [estimate(grid, curve.at(i)) for i in curve.main]
    steps = [estimate(grid, curve.against(i, curve.main[0])) for i in curve.main[1:]]
    if not steps:
        raise Refused("a plateau needs three points or more, none of them missing")
    units = np.array([level.units for level in levels])
    training = np.mean([step.v_seeds for step in steps]) / 2
    noise = units @ units.T + np.eye(len(levels)) * training
    return np.array([e.estimate for e in levels]), noise, min(step.df for step in steps)
