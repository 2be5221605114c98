"""What an attempt leaves of its counters is bounded, and loses no sum."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from clt_operator.api.figures import (
    MAX_FIGURES,
    REST,
    STORE_RETRIES,
    SUPERVISED_TOKENS,
    TOKENS,
    bounded,
    figure,
    parts,
)
from clt_operator.api.step import Outcome


def tokens_of(languages: int) -> dict[str, float]:
    counts = {f"l{number}": float(number + 1) for number in range(languages)}
    return {
        figure(name, language): count
        for name in (TOKENS, SUPERVISED_TOKENS)
        for language, count in counts.items()
    } | {STORE_RETRIES: 3.0}


def test_a_part_stands_behind_its_figure() -> None:
    assert figure(TOKENS, "zh-Hans") == "tokens.zh-Hans"
    assert parts({"tokens.zh-Hans": 2, "supervised_tokens.de": 1}, TOKENS) == {"zh-Hans": 2}


@given(st.integers(0, 300))
def test_figures_are_bounded_and_their_sums_stay(languages: int) -> None:
    given_ = tokens_of(languages)
    kept = bounded(given_)
    assert len(kept) <= MAX_FIGURES
    assert kept[STORE_RETRIES] == 3
    for name in (TOKENS, SUPERVISED_TOKENS):
        assert sum(parts(kept, name).values()) == sum(parts(given_, name).values())


def test_the_languages_with_most_tokens_keep_their_name() -> None:
    kept = parts(bounded(tokens_of(100)), TOKENS)
    assert "l99" in kept
    assert "l0" not in kept
    assert kept[REST] > 0


def test_few_figures_stay_as_they_are() -> None:
    assert bounded(tokens_of(3)) == tokens_of(3)


def test_an_outcome_of_an_earlier_release_has_no_figures() -> None:
    old = '{"key": "k", "attempt": 1, "outcome": "committed"}'
    assert Outcome.model_validate_json(old).figures == {}


def test_an_outcome_refuses_figures_without_bound() -> None:
    with pytest.raises(ValidationError, match="figures"):
        Outcome(key="k", attempt=1, outcome="committed", figures=tokens_of(40))
