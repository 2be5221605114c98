"""gold_margin, choice_accuracy, gold_logprob: from log-probabilities in nats."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clt_jobs.metrics.records import Likelihood
from clt_jobs.metrics.registry import find
from clt_operator.api.errors import InputError

logprobs = st.floats(-500, 0)


def score(metric: str, gold: float, *options: float, text: str = "16", **arguments: object):
    record = Likelihood("1", gold, options, gold=text)
    return find(metric).score([record], "en", arguments).items[0].score


def test_gold_margin_against_hand_computed_values() -> None:
    assert score("gold_margin", math.log(0.5), math.log(0.25)) == pytest.approx(math.log(2))
    eight = [math.log(0.1)] * 8
    assert score("gold_margin", math.log(0.1), *eight) == pytest.approx(-math.log(8))
    assert score("gold_margin", -1000.0, -1001.0, -1001.0) == pytest.approx(1 - math.log(2))


@given(logprobs, st.lists(logprobs, min_size=1, max_size=9), st.floats(-50, 50))
def test_gold_margin_ignores_a_common_shift(gold, options, shift) -> None:
    moved = score("gold_margin", gold + shift, *(value + shift for value in options))
    assert moved == pytest.approx(score("gold_margin", gold, *options), abs=1e-6)


@given(logprobs, st.lists(logprobs, min_size=1, max_size=9))
def test_a_margin_above_zero_implies_the_right_choice(gold, options) -> None:
    if score("gold_margin", gold, *options) > 1e-9:
        assert score("choice_accuracy", gold, *options) == 1.0


def test_choice_needs_gold_strictly_above_all() -> None:
    assert score("choice_accuracy", -1.0, -2.0, -3.0) == 1.0
    assert score("choice_accuracy", -2.0, -1.0, -3.0) == 0.0
    assert score("choice_accuracy", -1.0, -1.0) == 0.0


def test_choice_states_chance() -> None:
    records = [Likelihood("1", -1.0, (-2.0,) * 8), Likelihood("2", -1.0, (-2.0,))]
    extras = find("choice_accuracy").score(records, "en").extras
    assert extras["chance"] == pytest.approx((1 / 9 + 1 / 2) / 2)


def test_gold_logprob_per_byte_and_per_item() -> None:
    assert score("gold_logprob", -6.0, text="是") == pytest.approx(-2.0)
    assert score("gold_logprob", -6.0, text="是", per="item") == -6.0


@pytest.mark.parametrize("metric", ["gold_margin", "choice_accuracy"])
def test_an_item_without_distractors_is_refused(metric: str) -> None:
    with pytest.raises(InputError, match="no distractors"):
        score(metric, -1.0)


def test_a_cut_prompt_counts_as_truncated() -> None:
    record = Likelihood("1", -1.0, (-2.0,), truncated=True)
    assert find("gold_margin").score([record], "en").items[0].truncated
