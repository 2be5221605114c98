"""The learning rate is a function of the step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clt_jobs.train.schedule import rate_factor

SCHEDULES = st.sampled_from(["constant", "linear", "cosine"])


@given(st.integers(1, 300), st.integers(0, 50), SCHEDULES)
def test_it_stays_between_zero_and_one_and_is_never_zero_while_training(total, warmup, schedule):
    factors = [rate_factor(step, total, warmup, schedule) for step in range(total)]
    assert all(0 < factor <= 1 for factor in factors)


def test_warm_up_rises_in_equal_steps_to_one():
    factors = [rate_factor(step, 100, 4, "constant") for step in range(6)]
    assert factors == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0])


def test_linear_and_cosine_end_where_the_next_step_would_be_zero():
    assert rate_factor(10, 10, 0, "linear") == 0
    assert rate_factor(10, 10, 0, "cosine") == pytest.approx(0)
    assert rate_factor(5, 10, 0, "linear") == 0.5
    assert rate_factor(5, 10, 0, "cosine") == pytest.approx(0.5)
