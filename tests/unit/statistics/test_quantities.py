import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from clt_jobs.statistics import quantities
from clt_jobs.statistics.association import partial_spearman, spearman
from clt_jobs.statistics.ratio import fieller
from clt_jobs.statistics.refusal import Refused
from clt_jobs.statistics.signflip import sign_flip, smallest_p
from clt_jobs.statistics.verdict import verdict

curves = arrays(np.float64, (5, 4), elements=st.floats(0.05, 1.0))


def test_rel_with_a_language_missing_is_refused():
    scores = np.array([[0.5, 0.4, np.nan]])
    with pytest.raises(Refused, match="missing"):
        quantities.rel(scores, 0)


def test_rel_to_a_pivot_at_zero_is_refused():
    with pytest.raises(Refused, match="above zero"):
        quantities.rel(np.array([[0.0, 0.4]]), 0)


@given(curves, st.floats(0.1, 10))
def test_rel_does_not_change_with_the_unit_of_the_score(scores, factor):
    assert np.allclose(quantities.rel(scores * factor, 0), quantities.rel(scores, 0))


@given(curves)
def test_rel_fixed_equals_rel_at_the_baseline_and_ignores_the_pivot_later(scores):
    fixed = quantities.rel_fixed(scores, 0)
    assert fixed[0] == pytest.approx(quantities.rel(scores, 0)[0])
    moved = scores.copy()
    moved[1:, 0] += 0.3
    assert np.allclose(quantities.rel_fixed(moved, 0), fixed)


def test_rel_fixed_of_ratings_counts_from_one():
    scores = np.array([[3.0, 2.0], [3.0, 3.0]])
    assert quantities.rel_fixed(scores, 0, rating=True).tolist() == [0.5, 1.0]


@given(curves)
def test_gain_is_never_negative_and_gap_did_starts_at_zero(scores):
    assert quantities.gain(quantities.rel(scores, 0)) >= 0
    assert quantities.gap_did(scores, [1], [2, 3])[0] == 0


def test_gain_under_no_effect_of_two_points_is_sigma_over_root_pi():
    noise = quantities.noise_from_errors(np.array([0.1, 0.1]), draws=200_000)
    expected = 0.1 / np.sqrt(np.pi)
    assert quantities.expected_gain_under_no_effect(noise) == pytest.approx(expected, rel=0.02)


def test_transfer_donors_and_recipients_leave_out_the_source_and_the_pivot():
    baseline = np.array([0.5, 0.2, 0.4, 0.01])
    runs = np.array([[0.9, 0.9, 0.5, 0.11], [0.9, 0.4, 0.9, 0.31]])  # trained on 1, on 2
    delta = quantities.transfer(runs, baseline)
    assert quantities.donors(delta, [1, 2], 0) == pytest.approx([0.1, 0.25])
    received = quantities.recipients(delta, [1, 2], 0)
    assert np.isnan(received[0])
    assert received[1:] == pytest.approx([0.2, 0.1, 0.2])


def test_relative_transfer_is_undefined_near_chance():
    z = quantities.relative_transfer(
        np.array([[0.1, 0.1]]), np.array([0.4, 0.03]), np.array([0.03, 0.02])
    )
    assert z[0, 0] == pytest.approx(0.25)
    assert np.isnan(z[0, 1])


def test_ranks_of_few_or_constant_points_are_refused():
    with pytest.raises(Refused, match="too few"):
        spearman(np.arange(3.0), np.arange(3.0))
    with pytest.raises(Refused, match="constant"):
        spearman(np.ones(5), np.arange(5.0))
    with pytest.raises(Refused, match="function of k"):
        partial_spearman(np.arange(5.0), np.array([1.0, 3, 2, 5, 4]), np.arange(5.0))


def test_a_ratio_to_something_indistinguishable_from_zero_is_refused():
    with pytest.raises(Refused, match="indistinguishable"):
        fieller(0.1, 0.02, var_numerator=1e-4, var_denominator=4e-4, covariance=0, df=30)


def test_fieller_interval_covers():
    generator = np.random.default_rng(1)
    hits = 0
    for _ in range(2000):
        a, b = generator.normal(0.05, 0.02), generator.normal(0.2, 0.03)
        found = fieller(a, b, var_numerator=4e-4, var_denominator=9e-4, covariance=0, df=1e9)
        hits += found.lo <= 0.25 <= found.hi
    assert 0.935 < hits / 2000 < 0.965


def test_a_sign_flip_test_over_three_languages_is_refused():
    assert smallest_p(3) == 0.25
    with pytest.raises(Refused, match=r"p = 0\.25"):
        sign_flip(np.array([0.1, 0.2, 0.3]))
    assert sign_flip(np.full(6, 0.1)) == pytest.approx(2 / 64)


@pytest.mark.parametrize(
    ("lo", "hi", "margin", "word"),
    [
        (0.01, 0.05, 0.0, "increase"),
        (-0.05, -0.01, 0.0, "decrease"),
        (-0.01, 0.02, 0.0, "not determined"),
        (-0.01, 0.02, 0.03, "equivalent within 0.03"),
        (-0.01, 0.04, 0.03, "not determined"),
        (0.001, 0.02, 0.03, "increase, equivalent within 0.03"),
        (float("nan"), float("nan"), 0.03, "not determined"),
    ],
)
def test_the_word_follows_from_the_interval(lo, hi, margin, word):
    assert verdict(lo, hi, margin) == word


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1))
def test_not_significant_is_never_called_same(centre, half, margin):
    assert "same" not in verdict(centre - half, centre + half, margin)
