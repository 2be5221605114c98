"""The quantities against the table that the reference study prints (MGSM, 7B, single, all4)."""

import numpy as np
import pytest

from clt_jobs.statistics import association, quantities

LANGUAGES = ["en", "es", "fr", "ja", "zh", "ar", "ko", "pt"]
K = np.array([0, 100, 200, 400, 800, 1000, 2000, 5000])
TABLE = """
en .50 .56 .54 .51 .54 .57 .55 .56
es .42 .44 .47 .52 .54 .54 .49 .55
fr .24 .43 .43 .47 .45 .45 .48 .47
ja .07 .12 .18 .25 .24 .26 .26 .35
zh .19 .22 .26 .29 .28 .26 .34 .46
ar .01 .02 .06 .10 .09 .10 .13 .17
ko .25 .35 .32 .32 .37 .39 .34 .18
pt .34 .46 .47 .46 .47 .50 .50 .51
"""
M = np.array([[float(x) for x in row.split()[1:]] for row in TABLE.strip().splitlines()]).T
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
