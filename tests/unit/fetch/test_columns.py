"""Column templates: plain names, literal text, a few transforms, and errors that name the place."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clt_jobs.fetch.columns import BadRow, MissingColumn, parse_template, unknown_column
from clt_operator.api.errors import InputError


def render(template: str, **record: Any) -> str | None:
    return parse_template(template).render(record)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{question}", "how many ?"),
        ("{equation} = {answer}", "3 - 1 = 2.0"),
        ("{ question }", "how many ?"),
        ("{{{answer}}}", "{2.0}"),
        ("}}{{", "}{"),
        ("plain", "plain"),
        ("", ""),
        ("{answer|number}", "2"),
        ("{padded|strip}", "x"),
        ("{worked|final|number}", "1200"),
        ("{worked|unmarked}", "4*300 = 1200\n#### 1,200"),
    ],
)
def test_what_a_template_makes(template: str, text: str) -> None:
    record = {
        "question": "how many ?",
        "equation": "3 - 1",
        "answer": "2.0",
        "padded": " x\n",
        "worked": "4*300 = <<4*300=1200>>1200\n#### 1,200",
    }
    assert parse_template(template).render(record) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("8.0", "8"),
        ("2,125", "2125"),
        ("-0.50", "-0.5"),
        ("1,234,567.80", "1234567.8"),
        (" 7 ", "7"),
        ("-0.0", "0"),
        ("007", "7"),
        (8.0, "8"),
        (12, "12"),
        ("100", "100"),
    ],
)
def test_number_gives_the_plain_form(value: object, text: str) -> None:
    assert render("{x|number}", x=value) == text


@pytest.mark.parametrize("value", ["", "eight", "1,23", "1e3", "2.125,5", "--1", "٣"])
def test_number_refuses_what_is_none(value: str) -> None:
    with pytest.raises(BadRow, match="is not a number"):
        render("{x|number}", x=value)


@given(st.integers(), st.integers(0, 10**6))
def test_number_undoes_thousands_commas_and_trailing_zeros(whole: int, part: int) -> None:
    assert render("{x|number}", x=f"{whole:,}.0") == str(whole)
    assert float(render("{x|number}", x=f"{whole}.{part:06d}") or "") == float(
        f"{whole}.{part:06d}"
    )


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_text_of_a_source_is_never_read_as_a_template(text: str) -> None:
    assert render("<{x}>", x=text) == f"<{text}>"


@pytest.mark.parametrize(
    ("value", "text"), [(True, "true"), (3, "3"), (2.5, "2.5"), ("", ""), (None, None)]
)
def test_scalars_have_a_text(value: object, text: str | None) -> None:
    assert render("{x}", x=value) == text


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([1], "wrong type"),
        ({"a": 1}, "wrong type"),
        (float("nan"), "wrong type"),
        (b"x", "wrong type"),
        ("a\0b", "NUL character"),
        ("a\ud800", "lone surrogate"),
        ("a\udcff", "invalid UTF-8"),
    ],
)
def test_what_is_no_text_is_a_bad_row(value: object, reason: str) -> None:
    with pytest.raises(BadRow) as raised:
        render("{x}", x=value)
    assert raised.value.reason == reason
    assert "column 'x'" in str(raised.value)


def test_null_inside_text_is_a_bad_row() -> None:
    with pytest.raises(BadRow, match=r"column 'x' is null in 'a \{x\}'"):
        render("a {x}", x=None)


def test_a_missing_column_is_named_with_its_template() -> None:
    with pytest.raises(MissingColumn, match=r"no column 'qestion', which '\{qestion\}' names"):
        render("{qestion}", question="?")
    assert unknown_column("qestion", "{qestion}", ["answer", "question"]) == (
        "template '{qestion}' names column 'qestion': did you mean 'question'? "
        "The source has answer, question"
    )


@pytest.mark.parametrize(
    "template", ["{x.__class__}", "{x[0]}", "{x!r}", "{x:>8}", "{}", "{x", "x}", "{{x}", "{a{b}}"]
)
def test_only_plain_names_are_understood(template: str) -> None:
    with pytest.raises(InputError, match="template"):
        parse_template(template)


def test_an_unknown_transform_names_the_known() -> None:
    with pytest.raises(InputError, match="unknown transform 'upper': known are strip, number"):
        parse_template("{x|upper}")
