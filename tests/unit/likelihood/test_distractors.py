"""Distractors: fixed by item, gold answer and seed; unique; never the gold answer in disguise."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clt_jobs.data.rows import Row
from clt_jobs.likelihood.distractors import choices_of, numeric_choices, plain, related
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.likelihood import Distractors

numbers = st.one_of(
    st.integers(-(10**6), 10**6).map(str),
    st.integers(0, 10**8).map(lambda value: f"{value:,}"),
    st.decimals(-1000, 1000, places=2, allow_nan=False).map(str),
)


@given(numbers, st.integers(1, 20), st.integers(0, 9), st.text(max_size=5))
def test_numeric_distractors_are_unique_different_and_as_many_as_asked(gold, count, seed, item):
    rule = Distractors(count=count, seed=seed)
    made = numeric_choices(item, gold, rule)
    value = Decimal(gold.replace(",", ""))
    assert Decimal(made.gold) == value
    assert len(made.options) == len(set(made.options)) == count
    for option in made.options:
        assert Decimal(option) != value
        assert plain(Decimal(option)) == option
        assert not option.startswith(made.gold)
        assert not made.gold.startswith(option)
        assert Decimal(option) >= 0 or value < 0
    assert made == numeric_choices(item, gold, rule)


def rows(language: str, answers: list[str]) -> list[Row]:
    return [
        Row(id=f"{language}-{n}", item=str(n), language=language, answer=answer)
        for n, answer in enumerate(answers)
    ]


@pytest.mark.parametrize("rule", ["numeric", "pool"])
def test_distractors_are_the_same_in_all_languages_and_row_orders(rule: str) -> None:
    answers = [str(7 * n) for n in range(30)]
    english = rows("en", answers)
    bengali = list(reversed(rows("bn", answers)))
    asked = Distractors(rule=rule, count=5, seed=3)
    by_item = {
        row.item: choice
        for row, choice in zip(bengali, choices_of(bengali, bengali, asked), strict=True)
    }
    for row, choice in zip(english, choices_of(english, english, asked), strict=True):
        assert by_item[row.item] == choice


def test_distractors_follow_item_and_seed() -> None:
    base = numeric_choices("1", "320", Distractors(seed=0)).options
    assert numeric_choices("2", "320", Distractors(seed=0)).options != base
    assert numeric_choices("1", "320", Distractors(seed=1)).options != base


def test_numeric_distractors_are_plain_digits_near_the_gold_answer() -> None:
    made = numeric_choices("i", "2,125", Distractors(count=8))
    assert made.gold == "2125"
    assert all(option.isascii() and option.isdigit() for option in made.options)
    assert numeric_choices("i", "8.0", Distractors()).gold == "8"


def test_a_pool_takes_answers_of_other_items_only() -> None:
    source = rows("en", ["Paris", "paris", "Rome", "Oslo", "Par", "Rome", "7.0", "7"])
    made = choices_of(source, source, Distractors(rule="pool", count=8))
    for row, choice in zip(source, made, strict=True):
        assert row.answer not in choice.options
        assert len({option.casefold() for option in choice.options}) == len(choice.options)
    assert not {"paris", "Par"} & set(made[0].options)
    assert "7.0" not in made[7].options


def test_a_column_gives_the_rows_own_options() -> None:
    row = Row(id="1", item="1", language="en", answer="b", options=("a", "b", "c", "c", "B "))
    choice = choices_of([row], [row], Distractors(rule="column"))[0]
    assert choice.options == ("a", "c")
    few = choices_of([row], [row], Distractors(rule="column", count=1))[0]
    assert set(few.options) < {"a", "c"}


@pytest.mark.parametrize(
    ("row", "rule", "message"),
    [
        (Row(id="r", item="1", language="en"), "numeric", "no answer"),
        (Row(id="r", item="1", language="en", answer="blue"), "numeric", "not one number"),
        (Row(id="r", item="1", language="en", answer="b"), "column", "no options"),
        (Row(id="r", item="1", language="en", answer="b", options=("b",)), "column", "distractor"),
        (Row(id="r", item="1", language="en", answer="b"), "pool", "no distractor"),
    ],
)
def test_rows_without_distractors_are_the_inputs_fault(row: Row, rule: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        choices_of([row], [row], Distractors(rule=rule))


@pytest.mark.parametrize(
    ("gold", "other", "expected"),
    [
        ("16", "16.0", True),
        ("16", "160", True),
        ("160", "16", True),
        ("Ja", "ja", True),
        ("1,000", "1000", True),
        ("16", "61", False),
        ("Oslo", "Rome", False),
    ],
)
def test_related_answers(gold: str, other: str, expected: bool) -> None:
    assert related(gold, other) is expected
