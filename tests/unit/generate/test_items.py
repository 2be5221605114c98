"""Which items are evaluated: nested, the same in parallel languages, never a worked example."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clt_jobs.data.rows import Row
from clt_jobs.generate.items import choose_items, choose_shots
from clt_operator.api.errors import InputError


def rows(language: str, count: int) -> list[Row]:
    return [
        Row(id=f"{language}-{n}", item=str(n), language=language, prompt=f"{language} {n}")
        for n in range(count)
    ]


@given(st.integers(1, 20), st.integers(0, 20), st.integers(0, 5))
def test_smaller_choices_lie_in_larger_ones_and_keep_the_files_order(first, more, seed) -> None:
    source = rows("en", 40)
    small = choose_items(source, "en", first, seed)
    large = choose_items(source, "en", first + more, seed)
    assert set(small) <= set(large)
    assert large == [row for row in source if row in large]
    assert len(large) == first + more


def test_parallel_languages_answer_the_same_items_whatever_the_files_order() -> None:
    spanish = list(reversed(rows("es", 40)))
    english = {row.item for row in choose_items(rows("en", 40), "en", 10, 7)}
    assert {row.item for row in choose_items(spanish, "es", 10, 7)} == english


def test_zero_means_all_rows_of_the_language() -> None:
    mixed = rows("en", 3) + rows("es", 2)
    assert choose_items(mixed, "es", 0, 0) == rows("es", 2)


def test_more_items_than_there_are_is_the_inputs_fault() -> None:
    with pytest.raises(InputError, match="41 items are asked for, but 'en' has 40"):
        choose_items(rows("en", 40), "en", 41, 0)


def test_a_language_without_rows_is_the_inputs_fault() -> None:
    with pytest.raises(InputError, match="no language 'sw'; they have en, es"):
        choose_items(rows("es", 1) + rows("en", 1), "sw", 0, 0)


def test_a_repeated_item_is_the_inputs_fault() -> None:
    with pytest.raises(InputError, match=r"item '0' occurs more than once.*2 such"):
        choose_items(rows("en", 2) * 2, "en", 0, 0)


def test_shots_are_the_first_rows_of_their_file() -> None:
    assert choose_shots(rows("en", 8), 3, []) == rows("en", 3)
    with pytest.raises(InputError, match="9 worked examples"):
        choose_shots(rows("en", 8), 9, [])


def test_a_worked_example_that_is_also_evaluated_is_refused() -> None:
    with pytest.raises(InputError, match="worked example 'en-0'"):
        choose_shots(rows("en", 8), 2, rows("en", 1))
