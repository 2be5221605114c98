"""The variance of any linear summary of scores: items, seeds, and what is left of both.

Scores are crossed: every training (arm × seed) answers the same items. For a summary with
seed-averaged item contributions D_u, the variance is

    V_items + max(0, V_seeds − V_residual)

V_items = Σ_u n/(n−1) D_u² holds item variance and the item × seed residual; V_seeds, from the
spread of seed means, holds seed variance and the same residual once more, which V_residual takes
out: the expected mean squares of a two-way random layout. Degrees of freedom are Satterthwaite's,
quantiles Student's. Units are clusters of items where items are clustered.

Contrasts are paired by item and by seed. Their seed variance is the arm × seed interaction,
pooled over all arms of the sweep: (A−1)(S−1) degrees of freedom instead of S−1. An F test
compares the contrast's own interaction with that of the other arms; where it is larger than
chance allows, its own variance is used. With one seed only V_items is known and the label says so.
"""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from scipy import special

from clt_jobs.statistics.arrays import Bools, Floats, Ints
from clt_jobs.statistics.refusal import Refused

ITEMS_ONLY = "items only"
BOTH = "items and seeds"
OWN = "items and own seeds"  # heterogeneous: the pooled seed variance was not used
NO_VARIATION = "no variation observed"
HETEROGENEITY_ALPHA = 0.01  # of many points some look unlike the others by chance


@dataclass(frozen=True, eq=False)
class Grid:
    """One summary of scores at every arm (sweep point) and seed, taken apart over units.

    ``units[a, s]`` are the contributions of items (or clusters) to the deviation of
    ``values[a, s]`` from its expectation; they sum to zero. ``fixed`` arms are no random draw of
    a training (an untrained model).
    """

    values: Floats  # (A, S); NaN where the arm has no such seed
    units: Floats  # (A, S, U); zero where values is NaN
    strata: Ints  # (U,): number of units in the unit's stratum; 0 for units not involved
    fixed: Bools  # (A,)
    n_items: int
    block: str = ""  # units of the same name are the same items in every grid

    @cached_property
    def correction(self) -> Floats:
        """n/(n−1) per unit, (U,); zero where the unit is not involved or alone."""
        n = self.strata.astype(np.float64)
        return np.where(n > 1, n / np.maximum(n - 1, 1), 0.0)

    @property
    def n_clusters(self) -> int:
        return int((self.strata > 0).sum())

    @cached_property
    def present(self) -> Bools:
        """(A, S): where the arm has that seed."""
        return np.asarray(~np.isnan(self.values))

    @cached_property
    def seed_squares(self) -> Floats:
        """(A,): sum of squares of the seed means around their arm's mean."""
        rows = zip(self.values, self.present, strict=True)
        return np.array([float(_squares(row[kept])) for row, kept in rows])

    @cached_property
    def residual_squares(self) -> Floats:
        """(A,): what the item × seed residual contributes to ``seed_squares``."""
        rows = zip(self.units, self.present, strict=True)
        return np.array(
            [float((_squares(row[kept]) @ self.correction).sum()) for row, kept in rows]
        )

    @cached_property
    def item_df(self) -> float:
        """Σ over strata of (n − 1)."""
        used = self.strata[self.strata > 0].astype(np.float64)
        return float(np.sum(1 - 1 / used))


@dataclass(frozen=True, eq=False)
class Estimate:
    """A summary with its interval. ``lo``, ``hi``, ``p`` are NaN where nothing varied."""

    estimate: float
    se: float
    df: float
    lo: float
    hi: float
    p: float  # two-sided, of the hypothesis that it is zero
    n_items: int
    n_clusters: int
    n_seeds: int
    label: str
    v_items: float = 0.0
    v_seeds: float = 0.0  # what seeds add beyond the residual
    heterogeneity_p: float = float("nan")
    # For joint statements over several estimates:
    units: Floats = field(default_factory=lambda: np.zeros(0))  # V_items = units @ units
    block: str = ""
    grid: Grid | None = None
    weights: Floats = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True)
class _Seeds:
    """The seed part of a variance: V_seeds, V_residual, degrees of freedom."""

    total: float
    residual: float
    df: float
    label: str
    heterogeneity_p: float = float("nan")


def estimate(
    grid: Grid, weights: Floats, confidence: float = 0.95, *, pooled: bool = True
) -> Estimate:
    """Σ_a weights[a] · mean over seeds of values[a], with interval and two-sided p.

    Refused where an arm with weight has no seed at all, or fewer than two units are there.
    """
    w = np.asarray(weights, dtype=np.float64)
    active = w != 0
    present = grid.present
    if not active.any() or (active & ~present.any(axis=1)).any():
        raise Refused("a language or a point is missing")
    if grid.item_df < 1:
        raise Refused("one item is not enough for an interval")
    arms = np.flatnonzero(active)
    value = float(sum(w[a] * grid.values[a, present[a]].mean() for a in arms))
    summed = np.zeros(grid.units.shape[-1])
    for a in arms:
        summed += w[a] * grid.units[a, present[a]].mean(axis=0)
    scaled = np.sqrt(grid.correction) * summed
    v_items = float(scaled @ scaled)
    seeds = _seed_part(grid, w, present, pooled=pooled)
    v_seeds = _excess(seeds) if seeds else 0.0
    variance = v_items + v_seeds
    counted = [int(present[a].sum()) for a in arms if not grid.fixed[a]]
    df = _satterthwaite(variance, v_items, grid.item_df, seeds)
    label = seeds.label if seeds else ITEMS_ONLY
    scale = float(np.nanmax(np.abs(grid.values[active]))) or 1.0
    flat = variance <= (1e-12 * scale) ** 2
    lo, hi, p = _interval(value, 0.0 if flat else float(np.sqrt(variance)), df, confidence)
    return Estimate(
        estimate=value,
        se=float("nan") if flat else float(np.sqrt(variance)),
        df=df,
        lo=lo,
        hi=hi,
        p=p,
        n_items=grid.n_items,
        n_clusters=grid.n_clusters,
        n_seeds=min(counted, default=1),
        label=NO_VARIATION if flat else label,
        v_items=v_items,
        v_seeds=v_seeds,
        heterogeneity_p=seeds.heterogeneity_p if seeds else float("nan"),
        units=scaled,
        block=grid.block,
        grid=grid,
        weights=w,
    )


def _excess(seeds: _Seeds) -> float:
    """V_seeds − V_residual, or zero where it is negative or mere rounding of the two."""
    difference = seeds.total - seeds.residual
    return difference if difference > 1e-12 * seeds.total else 0.0


def _interval(value: float, se: float, df: float, confidence: float) -> tuple[float, float, float]:
    if se == 0:
        return float("nan"), float("nan"), float("nan")
    half = float(special.stdtrit(df, (1 + confidence) / 2)) * se
    return value - half, value + half, float(2 * special.stdtr(df, -abs(value) / se))


def _satterthwaite(total: float, v_items: float, item_df: float, seeds: _Seeds | None) -> float:
    """Degrees of freedom of V_items + V_seeds − V_residual (Satterthwaite, 1946)."""
    below = v_items**2 / item_df
    if seeds:
        below += seeds.total**2 / seeds.df + seeds.residual**2 / (seeds.df * item_df)
    return max(1.0, float(total**2 / below)) if below > 0 else item_df


def _seed_part(grid: Grid, w: Floats, present: Bools, *, pooled: bool) -> _Seeds | None:
    """The seed variance of Σ w·mean: interaction for paired contrasts, within arms otherwise."""
    random = (w != 0) & ~grid.fixed
    if not random.any():
        return None
    arms = np.flatnonzero(random)
    seeds = present[arms[0]]
    same = bool((present[arms] == seeds).all())
    contrast = abs(float(w[random].sum())) < 1e-12 and len(arms) > 1
    pool = ~grid.fixed & (present == seeds).all(axis=1) if pooled else random
    if contrast and same and seeds.sum() > 1:
        return _paired(grid, w, np.flatnonzero(pool), np.flatnonzero(seeds))
    return _within(grid, w, present, arms, pooled=pooled)


def _paired(grid: Grid, w: Floats, pool: Ints, seeds: Ints) -> _Seeds:
    """Arm × seed interaction over the pool; the b_s shared by all arms of a seed cancel."""
    n_seeds = len(seeds)
    scale = float(w @ w) / n_seeds
    own = w @ np.nan_to_num(grid.values)[:, seeds]
    own_ss = float(((own - own.mean()) ** 2).sum()) / float(w @ w)
    active, others = pool[w[pool] != 0], pool[w[pool] == 0]
    rest_ss, rest_df = _interaction(grid, others, seeds)[0], (len(others) - 1) * (n_seeds - 1)
    p_larger, p = _heterogeneity(own_ss, n_seeds - 1, rest_ss, rest_df)
    used, label = (active, OWN) if p_larger < HETEROGENEITY_ALPHA / 2 else (pool, BOTH)
    total, residual = _interaction(grid, used, seeds)
    df = (len(used) - 1) * (n_seeds - 1)
    return _Seeds(total / df * scale, residual / df * scale, df, label, p)


def _interaction(grid: Grid, arms: Ints, seeds: Ints) -> tuple[float, float]:
    """Sum of squares of the arm × seed interaction, and the item residual's part in it."""
    if len(arms) < 2:
        return 0.0, 0.0
    at = np.ix_(arms, seeds)
    total = float((_centred(grid.values[at]) ** 2).sum())
    return total, float((_centred(grid.units[at]) ** 2 @ grid.correction).sum())


def _within(grid: Grid, w: Floats, present: Bools, arms: Ints, *, pooled: bool) -> _Seeds | None:
    """Seed variance within arms, Σ_a w_a² τ²/S_a: for single means and for arms whose seeds
    differ. Seeds shared by the pooled arms enter the degrees of freedom."""
    pool = [a for a in range(len(w)) if not grid.fixed[a] and present[a].sum() > 1]
    if not pooled:
        pool = [a for a in pool if a in arms]
    if not pool:
        return None
    squares, rest = grid.seed_squares[pool], grid.residual_squares[pool]
    dfs = present[pool].sum(axis=1) - 1.0
    factor = sum(w[a] ** 2 / present[a].sum() for a in arms)
    mine = np.array([a in arms for a in pool])
    p_larger, p = _heterogeneity(
        squares[mine].sum(), dfs[mine].sum(), squares[~mine].sum(), dfs[~mine].sum()
    )
    if p_larger < HETEROGENEITY_ALPHA / 2:
        own_df = float(dfs[mine].sum())
        tau, residual = squares[mine].sum() / own_df, rest[mine].sum() / own_df
        return _Seeds(float(tau * factor), float(residual * factor), own_df, OWN, p)
    tau, residual = squares.sum() / dfs.sum(), rest.sum() / dfs.sum()
    df = _pooled_df(grid.values[pool], float(dfs.sum()))
    return _Seeds(float(tau * factor), float(residual * factor), df, BOTH, p)


def _pooled_df(values: Floats, nominal: float) -> float:
    """Degrees of freedom of a within-arm variance pooled over arms that share their seeds.

    τ² = MS_b/A + MS_e (A−1)/A with MS_b of seeds and MS_e of the interaction; Satterthwaite.
    """
    n_arms, n_seeds = values.shape
    if n_arms < 2 or np.isnan(values).any():
        return nominal
    between = n_arms * float(np.var(values.mean(axis=0), ddof=1))
    df_e = (n_arms - 1) * (n_seeds - 1)
    inner = float((_centred(values) ** 2).sum()) / df_e
    first, second = between / n_arms, inner * (n_arms - 1) / n_arms
    below = first**2 / (n_seeds - 1) + second**2 / df_e
    return (first + second) ** 2 / below if below > 0 else nominal


def _squares(rows: Floats) -> Floats:
    """Sum over the first axis of squared deviations from its mean; zero where it is empty."""
    if len(rows) == 0:
        return np.zeros(rows.shape[1:])
    return np.asarray(((rows - rows.mean(axis=0)) ** 2).sum(axis=0))


def _centred(values: Floats) -> Floats:
    """Two-way interaction residuals over the first two axes."""
    return np.asarray(
        values
        - values.mean(axis=0, keepdims=True)
        - values.mean(axis=1, keepdims=True)
        + values.mean(axis=(0, 1), keepdims=True)
    )


def _heterogeneity(own: float, own_df: float, rest: float, rest_df: float) -> tuple[float, float]:
    """F test of an own sum of squares against the rest: (p that it is larger, two-sided p)."""
    if rest_df <= 0 or own_df <= 0 or rest <= 1e-18:
        return 1.0, float("nan")
    f = (own / own_df) / (rest / rest_df)
    larger = float(special.fdtrc(own_df, rest_df, f))
    return larger, float(min(1.0, 2 * min(larger, 1 - larger)))
