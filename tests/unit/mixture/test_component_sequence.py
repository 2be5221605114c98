"""The component sequence keeps every share exact at every prefix."""

import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clt_jobs.data import sequence
from clt_jobs.data.sequence import LARGEST_QUOTA, component_sequence
from clt_operator.api.errors import InputError

STUDY = [
    [10_000, 100, 100, 100, 100],
    [10_000, 5000, 5000],
    [5000, *[100] * 4] * 3,
    [5000, *[7000] * 4] * 3,
]
quota_lists = st.lists(
    st.one_of(st.just(0), st.integers(1, 9), st.integers(1, 700)), min_size=1, max_size=9
).filter(any)


def one_by_one(quotas: list[int]) -> list[int]:
    """The rule as DESIGN.md states it, in exact fractions, position by position."""
    shares = [Fraction(quota, sum(quotas)) for quota in quotas]
    counts = [0] * len(quotas)
    chosen = []
    for t in range(1, sum(quotas) + 1):
        due = [i for i, share in enumerate(shares) if t * share > counts[i]]
        best = min(due, key=lambda i: ((counts[i] + 1) / shares[i], i))
        counts[best] += 1
        chosen.append(best)
    return chosen


@given(quota_lists)
@settings(max_examples=60, deadline=None)
def test_the_sequence_is_that_of_the_stated_rule(quotas: list[int]) -> None:
    assert component_sequence(quotas).slice(0, sum(quotas)).tolist() == one_by_one(quotas)


@given(quota_lists)
@example(STUDY[0])
@example(STUDY[1])
@example(STUDY[2])
@example(STUDY[3])
@settings(max_examples=60, deadline=None)
def test_promise_quotas_are_exact_at_every_prefix(quotas: list[int]) -> None:
    total = sum(quotas)
    chosen = component_sequence(quotas).slice(0, total)
    positions = np.arange(1, total + 1)
    for index, quota in enumerate(quotas):
        counts = np.cumsum(chosen == index)
        # |count − t·quota/total| < 1, multiplied by total: whole numbers, no rounding
        assert (np.abs(counts * total - positions * quota) < total).all()
        assert counts[-1] == quota


@given(quota_lists, st.data())
@settings(max_examples=60, deadline=None)
def test_any_stretch_and_any_count_equal_those_of_the_whole(
    quotas: list[int], data: st.DataObject
) -> None:
    made = component_sequence(quotas)
    length = 2 * sum(quotas)
    whole = made.slice(0, length)
    start = data.draw(st.integers(0, length))
    stop = data.draw(st.integers(start, length))
    assert made.slice(start, stop).tolist() == whole[start:stop].tolist()
    counted = np.bincount(whole[:start], minlength=len(quotas))
    assert made.counts(start).tolist() == counted.tolist()


def test_a_wrong_guess_at_a_chunk_is_found_and_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    quotas = [4001, 1003, 2503, 997, 1]
    expected = component_sequence(quotas).components.copy()

    def bad_guess(quotas: sequence.Int64, starts: sequence.Int64) -> sequence.Int64:
        counts = np.zeros((len(starts), len(quotas)), dtype=np.int64)
        counts[:, -1] = starts
        return counts

    monkeypatch.setattr(sequence, "_guess", bad_guess)
    assert (component_sequence(quotas).components == expected).all()


def test_ten_million_rows_are_planned_in_seconds() -> None:
    began = time.process_time()
    made = component_sequence([4_000_001, 1_000_003, 2_500_007, 2_499_989])
    assert time.process_time() - began < 5  # 0.6 s on a quiet core
    assert made.counts(10_000_000).tolist() == made.quotas.tolist()


@pytest.mark.parametrize("quotas", [[0, 0], [], [3, -1], [LARGEST_QUOTA + 1, 2]])
def test_quotas_that_no_sequence_can_have_are_refused(quotas: list[int]) -> None:
    with pytest.raises(InputError):
        component_sequence(quotas)
