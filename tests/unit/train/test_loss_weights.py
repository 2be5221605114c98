"""What each rule makes equal."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clt_jobs.train.weights import row_weights

BATCHES = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 4)), min_size=1, max_size=50)


def _arrays(batch):
    supervised, language = zip(*batch, strict=True)
    return np.array(supervised, dtype=np.int64), np.array(language, dtype=np.int64)


@given(BATCHES, st.sampled_from(["token", "row", "language"]))
def test_weights_of_all_supervised_tokens_sum_to_one(batch, rule):
    supervised, language = _arrays(batch)
    total = float((row_weights(supervised, language, rule) * supervised).sum())
    assert total == pytest.approx(1.0 if supervised.sum() else 0.0)


@given(BATCHES)
def test_token_weights_are_all_the_same(batch):
    supervised, language = _arrays(batch)
    weights = row_weights(supervised, language, "token")[supervised > 0]
    assert len(set(weights.tolist())) <= 1


@given(BATCHES)
def test_row_weights_give_every_row_the_same_total(batch):
    supervised, language = _arrays(batch)
    totals = (row_weights(supervised, language, "row") * supervised)[supervised > 0]
    assert totals == pytest.approx(np.full(len(totals), 1 / max(len(totals), 1)))


@given(BATCHES)
def test_language_weights_give_every_language_of_the_batch_the_same_total(batch):
    supervised, language = _arrays(batch)
    weights = row_weights(supervised, language, "language") * supervised
    totals = np.bincount(language, weights=weights)
    present = np.bincount(language, weights=supervised) > 0
    assert totals[present] == pytest.approx(np.full(present.sum(), 1 / max(present.sum(), 1)))
