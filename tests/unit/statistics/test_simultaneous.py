import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from clt_jobs.statistics.panel import Panel, language_grid
from clt_jobs.statistics.plateau import plateau
from clt_jobs.statistics.refusal import Refused
from clt_jobs.statistics.simultaneous import covariance, holm, simultaneous
from clt_jobs.statistics.variance import estimate


def estimates(generator, languages=6, effect=0.0, copies=False, items=80):
    scores = generator.normal(0, 1, (2, 1, 1 if copies else languages, items))
    scores = np.repeat(scores, languages, axis=2) if copies else scores
    scores[1] += effect
    clusters = np.tile(np.arange(items), (languages, 1))
    panel = Panel(scores, clusters, True, np.zeros(2, dtype=bool), "t")
    return [
        estimate(language_grid(panel, [index]), np.array([-1.0, 1.0])) for index in range(languages)
    ]


@given(arrays(np.float64, 6, elements=st.floats(0, 1)))
def test_holm_is_monotone_and_between_p_and_bonferroni(p):
    adjusted = holm(p)
    assert (adjusted >= p).all()
    assert (adjusted <= np.minimum(1, 6 * p) + 1e-12).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()


def test_holm_of_a_known_example():
    assert holm(np.array([0.01, 0.04, 0.03])) == pytest.approx([0.03, 0.06, 0.06])


def test_a_family_of_one_is_left_as_it_is():
    (found,) = estimates(np.random.default_rng(0), languages=1)
    family = simultaneous([found])
    assert (family.p[0], family.lo[0], family.hi[0]) == (found.p, found.lo, found.hi)


def test_simultaneous_intervals_are_wider_and_p_larger_but_within_bonferroni():
    found = estimates(np.random.default_rng(1), effect=0.3)
    family = simultaneous(found)
    for one, p, lo in zip(found, family.p, family.lo, strict=True):
        assert lo < one.lo
        assert one.p <= p <= 6 * one.p


def test_copies_of_one_contrast_cost_nothing():
    found = estimates(np.random.default_rng(2), copies=True)
    family = simultaneous(found)
    assert family.p == pytest.approx([found[0].p] * 6, abs=0.01)
    assert family.hi[0] == pytest.approx(found[0].hi, rel=0.02)


def test_the_family_wise_error_is_kept():
    generator = np.random.default_rng(3)
    errors = [(simultaneous(estimates(generator)).p <= 0.05).any() for _ in range(200)]
    assert np.mean(errors) < 0.095  # 0.05 + 2.9 standard errors


def test_covariance_holds_the_variances_and_the_shared_baseline():
    generator = np.random.default_rng(4)
    panel = Panel(
        generator.normal(0, 1, (3, 4, 1, 50)) + generator.normal(0, 1, (3, 4, 1, 1)),
        np.arange(50)[None],
        True,
        np.zeros(3, dtype=bool),
        "t",
    )
    grid = language_grid(panel, [0])
    first = estimate(grid, np.array([-1.0, 1, 0]))
    second = estimate(grid, np.array([-1.0, 0, 1]))
    matrix = covariance([first, second])
    assert np.diag(matrix) == pytest.approx([first.se**2, second.se**2])
    assert matrix[0, 1] > 0


def test_a_flat_curve_reaches_its_plateau_and_a_rising_one_does_not():
    noise = np.eye(5) * 1e-4
    flat = plateau(np.array([0.1, 0.5, 0.5, 0.5, 0.5]), noise, margin=0.1)
    assert flat.index == 1
    assert flat.distribution.sum() == pytest.approx(1)
    rising = plateau(np.array([0.1, 0.2, 0.3, 0.4, 0.5]), noise, margin=0.02)
    assert rising.index is None


def test_noise_alone_is_no_plateau():
    """A curve that cannot be told from flat has not been shown to be flat."""
    assert plateau(np.full(5, 0.5), np.eye(5) * 0.01, margin=0.05).index is None


def test_a_plateau_without_a_margin_is_refused():
    with pytest.raises(Refused, match="margin"):
        plateau(np.arange(4.0), np.eye(4), margin=0.0)
