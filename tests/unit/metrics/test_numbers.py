"""Numbers in many scripts, and the locale rule that decides what is ambiguous."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clt_jobs.metrics.numbers import find_numbers, number_rule, read_number
from clt_jobs.metrics.numerals import fold_digits, han_value


def values(text: str, language: str = "en", decimal: str = "auto") -> list[str]:
    rule = number_rule(language, decimal)
    return [f"{found.value.normalize():f}" for found in find_numbers(text, rule)]


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("उत्तर १२३ है", "hi", ["123"]),
        ("الجواب ٤٢٫٥ دولار", "ar", ["42.5"]),
        ("١٬٢٣٤٬٥٦٧", "ar", ["1234567"]),
        ("پاسخ ۴۲", "fa", ["42"]),
        ("উত্তর হল ২৯টি", "bn", ["29"]),
        ("คำตอบคือ ๑๘ บาท", "th", ["18"]),
        ("సమాధానం ౫౪౦", "te", ["540"]),
        ("答案是１８。", "zh", ["18"]),
        ("답은 18개입니다", "ko", ["18"]),
        ("Ответ — 11.", "ru", ["11"]),
        ("x = −7", "en", ["-7"]),
        ("around m² and 5 km²", "en", ["5"]),
    ],
)
def test_digits_of_every_script_are_read(text: str, language: str, expected: list[str]) -> None:
    assert values(text, language) == expected


@pytest.mark.parametrize("language", ["es", "de", "pt", "fr", "id", "tr", "ru"])
def test_a_point_before_three_digits_groups_where_the_decimal_mark_is_a_comma(
    language: str,
) -> None:
    assert values("2.125", language) == ["2125"]
    assert values("2,125", language) == ["2.125"]


@pytest.mark.parametrize("language", ["en", "zh", "ja", "ko", "ar", "hi", "bn", "th", "te", "sw"])
def test_a_comma_before_three_digits_groups_where_the_decimal_mark_is_a_point(
    language: str,
) -> None:
    assert values("2,125", language) == ["2125"]
    assert values("2.125", language) == ["2.125"]


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("1,234,567.5", "de", ["1234567.5"]),  # the last of two separators is the mark
        ("1.234.567,5", "en", ["1234567.5"]),
        ("12,34,567", "hi", ["1234567"]),  # groups of two, as in India
        ("80 000 $", "fr", ["80000"]),
        ("80\u202f000 €", "fr", ["80000"]),
        ("80\u00a0000", "en", ["80000"]),
        ("rooms 80 000", "en", ["80", "0"]),  # an ordinary space groups only where it does
        ("CHF 1’250", "en", ["1250"]),
        ("0.125", "de", ["0.125"]),  # nothing groups behind a zero
        ("3.5", "es", ["3.5"]),
        ("3,5", "es", ["3.5"]),
        ("3,5", "en", ["3", "5"]),
        ("1,2,3", "en", ["1", "2", "3"]),
        ("1.2.3", "en", ["1", "2", "3"]),
        ("1234.567", "de", ["1234.567"]),
        ("007", "en", ["7"]),
    ],
)
def test_separators(text: str, language: str, expected: list[str]) -> None:
    assert values(text, language) == expected


def test_the_mark_can_be_stated() -> None:
    assert values("2.125", "es", "point") == ["2.125"]
    assert values("2.125", "en", "comma") == ["2125"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("-5", ["-5"]),
        ("the answer is -5", ["-5"]),
        ("= -5", ["-5"]),
        ("7 - 9", ["7", "9"]),
        ("7-9", ["7", "9"]),
        ("7 -9", ["7", "9"]),
        ("3 - -2", ["3", "-2"]),
        ("(4)-2", ["4", "2"]),
        ("-$5", ["-5"]),
        ("$-5", ["-5"]),
        ("– 5 apples", ["5"]),
        ("$1,250.50", ["1250.5"]),
        ("15%", ["15"]),
        ("£3 and 7 ₹", ["3", "7"]),
        ("no digits", []),
        ("", []),
    ],
)
def test_signs_currency_and_percent(text: str, expected: list[str]) -> None:
    assert values(text) == expected


@pytest.mark.parametrize(
    ("numeral", "expected"),
    [
        ("三百二十一", "321"),
        ("十六", "16"),
        ("二十", "20"),
        ("一百零五", "105"),
        ("一百五", "150"),
        ("两千零二", "2002"),
        ("三万五", "35000"),
        ("一亿二千万", "120000000"),
        ("一百二十三万四千五百六十七", "1234567"),
        ("二〇二五", "2025"),
        ("三点五", "3.5"),
        ("零", "0"),
        ("壹佰贰拾", "120"),
    ],
)
def test_chinese_numerals(numeral: str, expected: str) -> None:
    assert han_value(numeral) == Decimal(expected)


def test_japanese_reads_a_trailing_digit_as_ones() -> None:
    assert values("答えは三百五", "ja") == ["305"]
    assert values("答案是三百五", "zh") == ["350"]


def test_numerals_in_words_count_only_where_there_are_no_digits() -> None:
    assert values("答案是十六。", "zh") == ["16"]
    assert values("答案是16,他们一起走", "zh") == ["16"]
    assert values("负三百", "zh") == ["-300"]
    assert values("十六", "en") == []


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("8万ドル", "ja", ["80000"]),
        ("1億2000万", "ja", ["120000000"]),
        ("3万2500円", "ja", ["32500"]),
        ("2千万", "zh", ["20000000"]),
        ("5千克", "zh", ["5"]),  # five kilograms
        ("8만 달러", "ko", ["80000"]),
        ("1.5万", "zh", ["15000"]),
        ("-2万", "zh", ["-20000"]),
    ],
)
def test_myriads_after_digits(text: str, language: str, expected: list[str]) -> None:
    assert values(text, language) == expected


def test_gold_answers_group_by_comma_in_any_language() -> None:
    assert read_number("2,125") == 2125
    assert read_number("276,000") == 276000
    assert read_number("8.0") == 8
    assert read_number("-3") == -3
    assert read_number("3 or 4") is None
    assert read_number("none") is None


@given(st.integers(-(10**12), 10**12), st.sampled_from(["en", "de", "zh", "hi", "fr", "ja"]))
def test_plain_and_grouped_integers_read_back(number: int, language: str) -> None:
    separator = "." if number_rule(language).decimal == "," else ","
    assert values(str(number), language) == [str(number)]
    assert values(f"{number:,}".replace(",", separator), language) == [str(number)]


@given(st.text(max_size=40))
def test_folding_keeps_positions(text: str) -> None:
    assert len(fold_digits(text)) == len(text)


@given(st.text(alphabet="0123456789.,' -+$%万千点三百x", max_size=30))
def test_any_text_reads_without_error_and_spans_are_in_order(text: str) -> None:
    for language in ("en", "de", "zh", "ko"):
        found = find_numbers(text, number_rule(language))
        ends = [0]
        for number in found:
            assert ends[-1] <= number.start < number.end <= len(text)
            ends.append(number.end)


@given(st.integers(0, 99_999_999))
def test_formal_chinese_numerals_read_back(number: int) -> None:
    assert han_value(_spell(number)) == number


def _spell(number: int) -> str:
    """Chinese without colloquial shortening, for numbers below 10^8."""
    digits = "零一二三四五六七八九"
    if number < 10:
        return digits[number]
    for size, unit in ((10**4, "万"), (1000, "千"), (100, "百"), (10, "十")):
        if number >= size:
            head, rest = divmod(number, size)
            text = _spell(head) + unit
            if rest:
                gap = "零" if rest < size // 10 else ""
                text += gap + _spell(rest)
            return text
    raise AssertionError
