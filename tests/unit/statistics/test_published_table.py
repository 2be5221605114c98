"""The quantities against the table that the reference study prints (MGSM, 7B, single, all4)."""

import numpy as np
import pytest
from support.published import LANGUAGES, PUBLISHED
from support.published import K as K_VALUES

from clt_jobs.statistics import association, quantities

M = np.array([PUBLISHED[code] for code in LANGUAGES]).T  # [k, language]
K = np.array(K_VALUES)
EN, SEEN, UNSEEN = 0, [1, 2, 3, 4], [5, 6, 7]


def test_rel_at_zero_and_at_its_best():
    relative = quantities.rel(M, EN)
    assert relative[0] == pytest.approx(0.434, abs=5e-4)
    assert relative.max() == pytest.approx(0.686, abs=5e-4)
    assert K[relative.argmax()] == 5000


def test_gain_is_25_points():
    assert quantities.gain(quantities.rel(M, EN)) == pytest.approx(0.252, abs=5e-4)
    assert quantities.gain_at(quantities.rel(M, EN), -1) == pytest.approx(0.252, abs=5e-4)


def test_seen_unseen_and_gap():
    assert quantities.group_mean(M, SEEN)[[0, -1]] == pytest.approx([0.230, 0.4575], abs=5e-4)
    assert quantities.group_mean(M, UNSEEN)[[0, -1]] == pytest.approx([0.200, 0.2867], abs=5e-4)
    assert quantities.gap(M, SEEN, UNSEEN)[[0, -1]] == pytest.approx([0.030, 0.171], abs=5e-4)
    assert quantities.gap_did(M, SEEN, UNSEEN)[[0, -1]] == pytest.approx([0, 0.1408], abs=5e-4)


def test_spearman_of_seen_and_unseen_reverses_given_k():
    seen, unseen = quantities.group_mean(M, SEEN), quantities.group_mean(M, UNSEEN)
    found = association.spearman(seen, unseen)
    assert (round(found.rho, 2), found.n, found.unit) == (0.62, 8, "sweep points")
    assert association.partial_spearman(seen, unseen, K).rho == pytest.approx(-0.22, abs=5e-3)


def test_peak_is_the_best_mean_over_the_other_languages():
    value, index = quantities.peak(M, EN)
    assert (value, K[index]) == (pytest.approx(M[-1, 1:].mean()), 5000)
