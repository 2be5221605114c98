"""Item scores of a sweep in one array, and the grids of summaries that are made from it.

A panel is dense: arm × seed × language × item. An item counts for a language only where every
training that was evaluated there answered it, so that all comparisons pair by item; what this
leaves out is counted. Summaries of means (a group's average, a gap, a ratio) become a ``Grid``
through their gradient: exact for linear ones, the delta method for ratios.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from clt_jobs.statistics.arrays import Bools, Floats, Ints
from clt_jobs.statistics.refusal import Refused
from clt_jobs.statistics.variance import Grid


@dataclass(frozen=True, eq=False)
class Panel:
    """``scores`` (A, S, L, U), NaN where absent; ``clusters`` (L, U): dense cluster numbers.

    ``shared``: item (and cluster) u is the same question in every language, so that errors are
    averaged over languages per item; otherwise languages are strata with items of their own.
    """

    scores: Floats
    clusters: Ints
    shared: bool
    fixed: Bools  # (A,): arms that are no random draw of a training
    block: str = ""

    @cached_property
    def present(self) -> Bools:
        """(A, S, L): where a cell has scores."""
        return np.asarray(~np.isnan(self.scores).all(axis=3))

    @cached_property
    def used(self) -> Bools:
        """(L, U): items that every present cell of the language has."""
        absent = np.isnan(self.scores) & self.present[..., None]
        anywhere: Bools = np.asarray(self.present.any(axis=(0, 1)))
        return np.asarray(~absent.any(axis=(0, 1)) & anywhere[:, None])

    @cached_property
    def unpaired(self) -> Ints:
        """(L,): items that some cell of the language has and another lacks: left out."""
        some = (~np.isnan(self.scores)).any(axis=(0, 1))
        return np.asarray((some & ~self.used).sum(axis=1), dtype=np.int64)

    @cached_property
    def items(self) -> Ints:
        """(L,): items used per language."""
        return np.asarray(self.used.sum(axis=1), dtype=np.int64)

    @cached_property
    def seed_means(self) -> Floats:
        """(A, S, L): mean over used items; NaN where the cell is missing."""
        kept = np.where(self.used, np.nan_to_num(self.scores), 0.0)
        means = kept.sum(axis=3) / np.maximum(self.items, 1)
        return np.where(self.present & (self.items > 0), means, np.nan)

    @cached_property
    def contributions(self) -> Floats:
        """(A, S, L, C): (score − mean) / items, summed over the items of each cluster."""
        centre = np.nan_to_num(self.seed_means)[..., None]
        deviation = np.where(
            self.used & self.present[..., None], np.nan_to_num(self.scores) - centre, 0.0
        )
        deviation /= np.maximum(self.items, 1)[:, None]
        count = int(self.clusters.max()) + 1 if self.clusters.size else 0
        result = np.zeros((*deviation.shape[:3], count))
        for index in range(deviation.shape[2]):
            order = self.clusters[index]
            if count == order.size and (order == np.arange(count)).all():
                result[:, :, index] = deviation[:, :, index]
                continue
            flat = deviation[:, :, index].reshape(-1, order.size)
            summed = np.zeros((count, flat.shape[0]))
            np.add.at(summed, order, flat.T)
            result[:, :, index] = summed.T.reshape(*deviation.shape[:2], count)
        return result

    @cached_property
    def cluster_used(self) -> Bools:
        """(L, C): clusters with a used item."""
        count = self.contributions.shape[-1]
        result = np.zeros((self.clusters.shape[0], count), dtype=np.bool_)
        for index, (order, used) in enumerate(zip(self.clusters, self.used, strict=True)):
            result[index, order[used]] = True
        return result

    def means(self, languages: Sequence[int]) -> Floats:
        """(A, L): mean over the seeds at which *all* these languages are present; NaN elsewhere.

        Never an average over what happens to be there.
        """
        chosen = list(languages)
        complete: Bools = np.asarray(~np.isnan(self.seed_means[:, :, chosen]).any(axis=2))
        result = np.full((self.scores.shape[0], self.scores.shape[2]), np.nan)
        for arm, seeds in enumerate(complete):
            if seeds.any():
                result[arm, chosen] = self.seed_means[arm, seeds][:, chosen].mean(axis=0)
        return result


def linear_grid(
    panel: Panel,
    gradient: Floats,
    values: Floats | None = None,
    base: tuple[int, Floats] | None = None,
) -> Grid:
    """The grid of a summary f(M(a)) with gradient (A, L) at the seed-averaged means.

    ``values`` (A,) are f at those means; by default the linear f = gradient · M. ``base`` adds a
    dependence on one arm's means for all arms: (arm, gradient (A, L)), as in M(l,k)/M(en,0).
    """
    weights = np.asarray(gradient, dtype=np.float64)
    languages = np.flatnonzero(np.nan_to_num(weights).any(axis=0))
    if languages.size == 0:
        raise Refused("the group has no language")
    if panel.items[languages].min() == 0:
        raise Refused("a language of the group has no scores")
    per_seed, units = _applied(panel, weights, languages)
    spread = per_seed - _seed_mean(per_seed)
    if base is not None:
        arm, other = base
        used = np.flatnonzero(np.nan_to_num(other).any(axis=0))
        more, more_units = _applied(panel, other, used, arm)
        spread = spread + more - _seed_mean(more)
        units = np.where(np.isnan(spread)[..., None, None], 0.0, units + more_units)
        languages = np.union1d(languages, used)
    centre = _seed_mean(per_seed) if values is None else np.asarray(values)[:, None]
    strata, flat = _strata(panel, languages, units)
    return Grid(
        values=centre + spread,
        units=flat,
        strata=strata,
        fixed=panel.fixed,
        n_items=_items(panel, languages),
        block=panel.block,
    )


def _applied(
    panel: Panel, gradient: Floats, languages: Ints, arm: int | None = None
) -> tuple[Floats, Floats]:
    """Gradient times seed means (A, S), and times contributions (A, S, L, C).

    With ``arm``, the means of that one arm, repeated for every row of the gradient.
    """
    rows = slice(None) if arm is None else [arm] * gradient.shape[0]
    means = panel.seed_means[rows][:, :, languages]
    weights = gradient[:, None, languages]
    per_seed = (means * weights).sum(axis=2)
    units = np.zeros((gradient.shape[0], *panel.contributions.shape[1:]))
    units[:, :, languages] = panel.contributions[rows][:, :, languages] * weights[..., None]
    units[np.isnan(per_seed)] = 0.0
    return per_seed, units


def _seed_mean(values: Floats) -> Floats:
    """(A, 1): mean over the seeds that are there, NaN where none is."""
    present = ~np.isnan(values)
    count = present.sum(axis=1, keepdims=True)
    total = np.where(present, values, 0.0).sum(axis=1, keepdims=True)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _strata(panel: Panel, languages: Ints, units: Floats) -> tuple[Ints, Floats]:
    """Units of a grid: clusters over all languages where shared, else (language, cluster)."""
    used = np.zeros_like(panel.cluster_used)
    used[languages] = panel.cluster_used[languages]
    if panel.shared:
        together = used.any(axis=0)
        return np.where(together, together.sum(), 0), units.sum(axis=2)
    counts = np.where(used, used.sum(axis=1, keepdims=True), 0)
    return counts.reshape(-1), units.reshape(*units.shape[:2], -1)


def _items(panel: Panel, languages: Ints) -> int:
    used = panel.used[languages]
    return int(used.any(axis=0).sum() if panel.shared else used.sum())


def language_grid(panel: Panel, languages: Sequence[int]) -> Grid:
    """The grid of the plain average over some languages, at every arm and seed."""
    return linear_grid(panel, group_gradient(panel, languages))


def group_gradient(panel: Panel, languages: Sequence[int]) -> Floats:
    """(A, L): 1/n for the languages of the group."""
    gradient = np.zeros((panel.scores.shape[0], panel.scores.shape[2]))
    if len(languages):
        gradient[:, list(languages)] = 1 / len(languages)
    return gradient
