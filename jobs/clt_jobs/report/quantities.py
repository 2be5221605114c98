"""Table ``quantities``: the study's quantities at every point of a curve.

A quantity that the data do not define (a language missing, a metric without a zero) is a row
with a note instead of a number.
"""

from collections.abc import Callable, Iterator
from functools import cached_property, partial
from typing import Any

import numpy as np

from clt_jobs.report.curves import UNTRAINED, Arm, Curve
from clt_jobs.report.rows import QuantityRow
from clt_jobs.report.stating import interval_fields, place_fields, refused_fields, value_fields
from clt_jobs.statistics import quantities as formulas
from clt_jobs.statistics.arrays import Floats
from clt_jobs.statistics.panel import group_gradient, linear_grid
from clt_jobs.statistics.ratio import fieller
from clt_jobs.statistics.refusal import Refused
from clt_jobs.statistics.variance import Estimate, Grid, estimate

GROUPS = ("pivot", "nonpivot", "seen", "unseen", "latin", "nonlatin")
NO_RATIO = "not a ratio scale: a ratio of such values says nothing; see the differences"


class Grids:
    """The grids of a curve's quantities, each made once."""

    def __init__(self, curve: Curve, baseline_k: int) -> None:
        self.curve = curve
        self.base = curve.arm("", baseline_k)

    def group(self, name: str) -> Grid:
        """Mean over a group of languages."""
        return self.curve.grid(name)

    @cached_property
    def gap(self) -> Grid:
        """seen − unseen."""
        panel, curve = self.curve.panel, self.curve
        for name in ("seen", "unseen"):
            if not curve.group(name):
                raise Refused(f"no {name} language is evaluated")
        seen, unseen = (group_gradient(panel, curve.group(n)) for n in ("seen", "unseen"))
        return linear_grid(panel, seen - unseen)

    @cached_property
    def sum(self) -> Grid:
        """seen + unseen: its variance gives their covariance."""
        panel, curve = self.curve.panel, self.curve
        seen, unseen = (group_gradient(panel, curve.group(n)) for n in ("seen", "unseen"))
        return linear_grid(panel, seen + unseen)

    @cached_property
    def rel(self) -> Grid:
        """rel(k), by the delta method: ∂/∂M_l = 1/(n M_pivot), ∂/∂M_pivot = −rel/M_pivot."""
        values, gradient, pivot = self._relative(lambda row: float(formulas.rel(row, self.pivot)))
        means = self.means[:, pivot]
        gradient[:, pivot] = -values / means
        return linear_grid(self.curve.panel, gradient, values)

    @cached_property
    def rel_fixed(self) -> Grid:
        """rel_fixed(k): the pivot's part comes from the baseline of every row."""
        start, rating = self.start, self.curve.scale.rating
        values, gradient, pivot = self._relative(
            lambda row: float(formulas.rel_fixed(row, self.pivot, baseline=start, rating=rating)),
            start[self.pivot] - (formulas.RATING_FLOOR if rating else 0.0),
        )
        gradient[:, pivot] = 0.0
        base = np.zeros_like(gradient)
        base[:, pivot] = -values / (start[pivot] - (formulas.RATING_FLOOR if rating else 0.0))
        assert self.base is not None  # noqa: S101 (start refused otherwise)
        return linear_grid(self.curve.panel, gradient, values, (self.base, base))

    @property
    def pivot(self) -> int:
        found = self.curve.group("pivot")
        if not found:
            raise Refused("the pivot is not evaluated")
        return found[0]

    @cached_property
    def means(self) -> Floats:
        """(A, L): means over the seeds at which every language is there."""
        return self.curve.panel.means(range(len(self.curve.languages)))

    @property
    def start(self) -> Floats:
        """(L,): the means at the baseline."""
        if self.base is None:
            raise Refused("the baseline is not among the points")
        return np.asarray(self.means[self.base])

    def relative_values(self) -> list[float]:
        """rel at the sweep's own points; refused where one has none."""
        return [float(formulas.rel(self.means[i], self.pivot)) for i in self.curve.main]

    def _relative(
        self, formula: Callable[[Floats], float], denominator: float | None = None
    ) -> tuple[Floats, Floats, int]:
        """Values (A,) and gradient (A, L) for the languages that are not the pivot."""
        if not self.curve.scale.ratio:
            raise Refused(NO_RATIO)
        pivot = self.pivot
        values = np.full(self.means.shape[0], np.nan)
        gradient = np.full(self.means.shape, np.nan)
        for index, row in enumerate(self.means):
            try:
                values[index] = formula(row)
            except Refused:
                continue
            below = row[pivot] if denominator is None else denominator
            gradient[index] = 1 / ((row.size - 1) * below)
        return values, gradient, pivot


class PointQuantities:
    """Rows of one curve, point by point."""

    def __init__(self, grids: Grids, confidence: float) -> None:
        self.grids, self.curve, self.confidence = grids, grids.curve, confidence

    def rows(self) -> Iterator[QuantityRow]:
        groups = [name for name in GROUPS if self.curve.group(name)]
        for index, arm in enumerate(self.curve.arms):
            for name in groups:
                yield self._row(arm, name, partial(self._level, name, index))
            yield self._row(arm, "gap", partial(self._gap, self.curve.at(index)))
            yield self._row(arm, "rel", partial(self._ratio, "rel", index))
            yield self._row(arm, "rel_fixed", partial(self._ratio, "rel_fixed", index))
            if self.grids.base not in (index, None) and arm.control != UNTRAINED:
                yield from self._changes(index, arm)

    def _changes(self, index: int, arm: Arm) -> Iterator[QuantityRow]:
        """What is about the difference to the baseline."""
        weights = self.curve.against(index, int(self.grids.base or 0))
        yield self._row(arm, "gap_did", partial(self._gap, weights))
        yield self._row(arm, "gain_at", partial(self._rel_change, weights))
        yield self._row(arm, "tau", partial(self._tau, weights))

    def _level(self, name: str, index: int) -> dict[str, Any]:
        scale = self.curve.scale
        found = estimate(self.grids.group(name), self.curve.at(index), self.confidence)
        return interval_fields(found, (scale.lo, scale.hi))

    def _gap(self, weights: Floats) -> dict[str, Any]:
        return self._of(self.grids.gap, weights)

    def _rel_change(self, weights: Floats) -> dict[str, Any]:
        return self._of(self.grids.rel, weights)

    def _of(self, grid: Grid, weights: Floats) -> dict[str, Any]:
        return interval_fields(estimate(grid, weights, self.confidence))

    def _ratio(self, name: str, index: int) -> dict[str, Any]:
        """rel or rel_fixed at one point; the formula says why it is refused there."""
        grids = self.grids
        grid = grids.rel if name == "rel" else grids.rel_fixed
        if np.isnan(grid.values[index]).all():
            formulas.rel(grids.means[index], grids.pivot)
        return self._of(grid, self.curve.at(index))

    def _tau(self, weights: Floats) -> dict[str, Any]:
        """τ = Δunseen / Δseen with Fieller's interval."""
        unseen, seen, both = (
            estimate(grid, weights, self.confidence)
            for grid in (self.grids.group("unseen"), self.grids.group("seen"), self.grids.sum)
        )
        var_u, var_s, var_b = (_variance(e) for e in (unseen, seen, both))
        bound = float(np.sqrt(var_u * var_s))
        found = fieller(
            unseen.estimate,
            seen.estimate,
            var_numerator=var_u,
            var_denominator=var_s,
            covariance=min(max((var_b - var_u - var_s) / 2, -bound), bound),
            df=min(unseen.df, seen.df),
            confidence=self.confidence,
        )
        fields = interval_fields(seen)
        fields.update(value=found.value, lo=found.lo, hi=found.hi, df=found.df, se=None)
        return fields

    def _row(self, arm: Arm, quantity: str, make: Callable[[], dict[str, Any]]) -> QuantityRow:
        try:
            fields = make()
        except Refused as reason:
            fields = refused_fields(str(reason))
        unit = "" if quantity in ("rel", "rel_fixed", "gain_at", "tau") else self.curve.scale.unit
        return QuantityRow(
            **place_fields(self.curve, arm), **fields, quantity=quantity, n=None, unit=unit
        )


def _variance(found: Estimate) -> float:
    return found.v_items + found.v_seeds


def whole_row(
    curve: Curve,
    quantity: str,
    make: Callable[[], tuple[float, str]],
    *,
    n: int | None = None,
    unit: str = "",
) -> QuantityRow:
    """A number about the whole curve, with a note; refused where ``make`` refuses."""
    try:
        value, note = make()
        fields = {**value_fields(value), "note": note}
    except Refused as reason:
        fields = refused_fields(str(reason))
    return QuantityRow(**place_fields(curve, None), **fields, quantity=quantity, n=n, unit=unit)
