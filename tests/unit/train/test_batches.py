"""Steps, micro-batches and ranks are functions of positions and lengths."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clt_jobs.train.batches import bounds_by_rows, bounds_by_tokens, shares

LENGTHS = st.lists(st.integers(1, 60), min_size=1, max_size=80).map(
    lambda values: np.array(values, dtype=np.int64)
)


@given(st.integers(0, 500), st.integers(1, 64))
def test_steps_of_rows_cover_every_position_once(samples, batch_size):
    edges = bounds_by_rows(samples, batch_size).edges
    assert edges[0] == 0
    assert edges[-1] == samples
    sizes = np.diff(edges)
    assert (sizes[:-1] == batch_size).all()
    assert (sizes > 0).all()
    assert (sizes <= batch_size).all()


@given(LENGTHS, st.integers(1, 120))
def test_steps_of_tokens_stay_within_the_budget_unless_one_row_is_above_it(lengths, budget):
    edges = bounds_by_tokens(lengths, budget).edges
    assert edges[0] == 0
    assert edges[-1] == len(lengths)
    for start, stop in pairwise(edges.tolist()):
        tokens = lengths[start:stop].sum()
        assert tokens <= budget or stop - start == 1
        if stop < len(lengths):  # and no step ends early
            assert tokens + lengths[stop] > budget


def test_steps_of_tokens_stop_at_the_number_asked_for():
    assert bounds_by_tokens(np.full(10, 5), 10, steps=3).edges.tolist() == [0, 2, 4, 6]


@given(LENGTHS, st.integers(1, 4), st.integers(0, 9), st.integers(0, 200))
def test_every_row_is_computed_once_whatever_ranks_and_micro_batches(
    lengths, world, micro_rows, micro_tokens
):
    per_rank = [
        shares(lengths, world=world, rank=r, micro_rows=micro_rows, micro_tokens=micro_tokens)
        for r in range(world)
    ]
    rows = [i for mine in per_rank for s in mine if not s.idle for i in s.index.tolist()]
    assert sorted(rows) == list(range(len(lengths)))
    assert len({len(mine) for mine in per_rank}) == 1, "ranks meet at every collective"
    for share in (s for mine in per_rank for s in mine):
        assert len(share.index) > 0
        assert not micro_rows or len(share.index) <= micro_rows
        padded = len(share.index) * lengths[share.index].max()
        assert not micro_tokens or len(share.index) == 1 or padded <= micro_tokens
