import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from clt_jobs.statistics.coverage import Design, simulate
from clt_jobs.statistics.panel import Panel, group_gradient, language_grid, linear_grid
from clt_jobs.statistics.refusal import Refused
from clt_jobs.statistics.variance import BOTH, ITEMS_ONLY, NO_VARIATION, OWN, estimate


def panel_of(scores, clusters=None, shared=True, fixed=None):
    scores = np.asarray(scores, dtype=float)
    arms, _, languages, items = scores.shape
    if clusters is None:
        clusters = np.tile(np.arange(items), (languages, 1))
    fixed = np.zeros(arms, dtype=bool) if fixed is None else np.asarray(fixed)
    return Panel(scores, np.asarray(clusters), shared, fixed, "task")


def draw(shape, seed=0):
    return np.random.default_rng(seed).random(shape)


def test_with_one_seed_a_contrast_is_the_paired_t_test_over_items():
    scores = draw((2, 1, 1, 50))
    found = estimate(language_grid(panel_of(scores), [0]), np.array([-1.0, 1.0]))
    reference = stats.ttest_rel(scores[1, 0, 0], scores[0, 0, 0])
    assert found.p == pytest.approx(reference.pvalue)
    interval = reference.confidence_interval(0.95)
    assert (found.lo, found.hi) == pytest.approx((interval.low, interval.high))
    assert (found.label, found.n_seeds, found.n_items) == (ITEMS_ONLY, 1, 50)


def test_two_arms_give_the_mean_squares_of_a_two_way_layout():
    scores = draw((2, 3, 1, 20), seed=2)
    scores[1] += np.array([0.0, 0.3, 0.6])[:, None, None]
    found = estimate(language_grid(panel_of(scores), [0]), np.array([-1.0, 1.0]))
    d = scores[1, :, 0] - scores[0, :, 0]  # seeds × items
    residual = d - d.mean(0) - d.mean(1, keepdims=True) + d.mean()
    items = d.mean(0).var(ddof=1) / 20
    seeds = d.mean(1).var(ddof=1) / 3
    rest = (residual**2).sum() / (2 * 19) / 60
    assert found.v_items == pytest.approx(items)
    assert found.v_seeds == pytest.approx(max(0, seeds - rest))
    below = items**2 / 19 + seeds**2 / 2 + rest**2 / 38
    assert found.df == pytest.approx((items + seeds - rest) ** 2 / below)


def test_languages_with_the_same_items_are_averaged_per_item():
    scores = np.repeat(draw((2, 1, 1, 40)), 3, axis=2)  # three copies of one language
    weights = np.array([-1.0, 1.0])
    alone = estimate(language_grid(panel_of(scores), [0]), weights)
    together = estimate(language_grid(panel_of(scores), [0, 1, 2]), weights)
    assert together.se == pytest.approx(alone.se)  # copies add no information
    apart = estimate(language_grid(panel_of(scores, shared=False), [0, 1, 2]), weights)
    assert apart.se == pytest.approx(alone.se / np.sqrt(3))


def test_errors_are_clustered():
    items = draw((2, 1, 1, 30))
    doubled = np.repeat(items, 2, axis=3)  # every item has a near twin
    weights = np.array([-1.0, 1.0])
    plain = estimate(language_grid(panel_of(items), [0]), weights)
    clustered = panel_of(doubled, clusters=[np.repeat(np.arange(30), 2)])
    found = estimate(language_grid(clustered, [0]), weights)
    assert found.se == pytest.approx(plain.se)
    assert (found.n_items, found.n_clusters) == (60, 30)


def test_a_cluster_free_panel_is_one_of_clusters_of_one():
    scores = draw((3, 2, 2, 15))
    order = np.random.default_rng(3).permutation(15)
    plain = estimate(language_grid(panel_of(scores), [0, 1]), np.array([-1.0, 0, 1]))
    mixed = panel_of(scores, clusters=[order, order])
    assert estimate(language_grid(mixed, [0, 1]), np.array([-1.0, 0, 1])).se == pytest.approx(
        plain.se
    )


def test_seed_variance_is_pooled_over_the_points_of_the_sweep():
    trainings = 0.2 * np.random.default_rng(4).standard_normal((6, 3, 1, 1))
    grid = language_grid(panel_of(draw((6, 3, 1, 60), seed=4) + trainings), [0])
    weights = np.array([-1.0, 0, 0, 0, 0, 1])
    pooled, own = estimate(grid, weights), estimate(grid, weights, pooled=False)
    assert pooled.estimate == own.estimate
    assert own.df < 3  # two degrees of freedom, from three seeds
    assert 9 < pooled.df < 12  # ten: five arms' worth
    assert pooled.label == BOTH


def test_a_contrast_whose_seeds_vary_more_than_the_rest_uses_its_own_variance():
    scores = np.full((8, 3, 1, 60), 0.5) + 0.02 * draw((8, 3, 1, 60), seed=5)
    scores[7] += np.array([-0.4, 0.0, 0.4])[:, None, None]
    found = estimate(language_grid(panel_of(scores), [0]), np.array([-1.0] + [0] * 6 + [1]))
    assert found.label == OWN
    assert found.heterogeneity_p < 0.05
    assert found.df == pytest.approx(2, abs=0.1)


def test_an_untrained_arm_adds_no_seed_variance():
    scores = draw((2, 3, 1, 50), seed=6)
    scores[1] += np.array([0.0, 0.3, 0.6])[:, None, None]
    scores[0, 1:] = np.nan
    fixed = estimate(language_grid(panel_of(scores, fixed=[True, False]), [0]), np.array([-1.0, 1]))
    d = scores[1, :, 0].mean(1)
    assert fixed.n_seeds == 3
    assert fixed.v_seeds <= d.var(ddof=1) / 3
    assert fixed.v_seeds == pytest.approx(d.var(ddof=1) / 3, rel=0.2)


def test_more_seeds_of_the_baseline_are_used():
    scores = draw((2, 4, 1, 50), seed=7)
    scores[1, 2:] = np.nan
    found = estimate(language_grid(panel_of(scores), [0]), np.array([-1.0, 1.0]))
    assert found.estimate == pytest.approx(scores[1, :2].mean() - scores[0].mean())
    assert found.n_seeds == 2


def test_a_missing_language_is_refused_not_averaged_over():
    scores = draw((2, 2, 3, 10))
    scores[1, :, 2] = np.nan
    panel = panel_of(scores)
    with pytest.raises(Refused, match="missing"):
        estimate(language_grid(panel, [0, 1, 2]), np.array([-1.0, 1.0]))
    assert np.isnan(panel.means([0, 1, 2])[1]).all()
    assert estimate(language_grid(panel, [0, 1]), np.array([-1.0, 1.0])).n_items == 10


def test_items_that_some_run_lacks_are_left_out_and_counted():
    scores = draw((2, 2, 1, 10))
    scores[0, 1, 0, 3] = np.nan
    panel = panel_of(scores)
    assert panel.unpaired.tolist() == [1]
    assert panel.items.tolist() == [9]


def test_where_nothing_varies_there_is_no_interval():
    found = estimate(language_grid(panel_of(np.zeros((2, 3, 1, 10))), [0]), np.array([-1.0, 1.0]))
    assert found.label == NO_VARIATION
    assert np.isnan(found.lo)
    assert np.isnan(found.p)


def test_a_point_at_the_floor_has_no_interval_where_others_differ_by_rounding_alone():
    """V_seeds and V_residual are equal here, though not in floating point."""
    scores = np.zeros((4, 2, 1, 12))
    scores[3, 0, 0, 5] = 1.0  # one answer of one training is right
    found = estimate(language_grid(panel_of(scores), [0]), np.array([1.0, 0, 0, 0]))
    assert found.label == NO_VARIATION
    assert np.isnan([found.se, found.lo, found.hi]).all()


@given(st.integers(0, 1000))
def test_the_delta_method_of_a_linear_function_is_the_linear_function(seed):
    panel = panel_of(draw((2, 2, 3, 12), seed))
    gradient = group_gradient(panel, [1, 2])
    values = (gradient * panel.means([0, 1, 2])).sum(axis=1)
    plain = estimate(language_grid(panel, [1, 2]), np.array([0.0, 1.0]))
    same = estimate(linear_grid(panel, gradient, values), np.array([0.0, 1.0]))
    assert same.se == pytest.approx(plain.se)
    assert same.estimate == pytest.approx(plain.estimate)


def test_three_seeds_and_a_hundred_binary_items_cover_95_percent():
    """At small, middling and large training noise 4,000 simulations give 97.8, 95.8 and 94.5 %
    for two points (clipping errs on the safe side where trainings hardly differ), and 95.1 %
    where eight points pool their seed variance. Tolerance: three standard errors of these runs.
    """
    slack = 3 * (0.95 * 0.05 / 600) ** 0.5
    for seed_sd in (0.018, 0.05, 0.1):
        covered = simulate(Design(items=100, seeds=3, seed_sd=seed_sd), 600).share
        assert 0.945 - slack <= covered <= 0.98 + slack / 2
    pooled = simulate(Design(items=100, seeds=3, arms=8, seed_sd=0.05), 600)
    assert abs(pooled.share - 0.951) <= slack
    assert pooled.mean_width < simulate(Design(seed_sd=0.05), 200).mean_width


def test_items_only_intervals_cover_too_little_when_seeds_vary():
    assert simulate(Design(seeds=1, seed_sd=0.05), 400).share < 0.85
    assert simulate(Design(seeds=1, seed_sd=0.0), 400).share > 0.92
