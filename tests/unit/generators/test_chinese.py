"""Chinese numbers: known values, and the rules as properties."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clt_jobs.data.generators.chinese import DIGITS, LIMIT, spell

KNOWN = {
    0: "零",
    2: "二",
    10: "十",
    12: "十二",
    20: "二十",
    22: "二十二",
    99: "九十九",
    100: "一百",
    101: "一百零一",
    110: "一百一十",
    112: "一百一十二",
    200: "二百",
    222: "二百二十二",
    1000: "一千",
    1001: "一千零一",
    1010: "一千零一十",
    1100: "一千一百",
    2000: "两千",
    2002: "两千零二",
    2222: "两千二百二十二",
    10_000: "一万",
    10_001: "一万零一",
    10_010: "一万零一十",
    10_500: "一万零五百",
    12_000: "一万二千",
    20_000: "两万",
    22_222: "两万二千二百二十二",
    100_000: "十万",
    105_000: "十万五千",
    110_000: "十一万",
    120_034: "十二万零三十四",
    200_000: "二十万",
    1_001_000: "一百万一千",
    2_000_000: "二百万",
    10_000_001: "一千万零一",
    20_000_000: "两千万",
    20_304_050: "两千零三十万四千零五十",
    99_999_999: "九千九百九十九万九千九百九十九",
}


@pytest.mark.parametrize(("number", "words"), KNOWN.items())
def test_known_values(number: int, words: str) -> None:
    assert spell(number) == words


def read(words: str) -> int:
    """The value of a spelled number, written apart from the speller."""
    text = words.replace("两", "二").replace("零", "")
    total = 0
    upper, found, lower = text.rpartition("万")
    for part, weight in ((upper, 10_000 if found else 0), (lower, 1)):
        value = 0
        for digit, place in re.findall(r"([一二三四五六七八九]?)([千百十]?)", part):
            unit = {"千": 1000, "百": 100, "十": 10, "": 1}[place]
            value += (DIGITS.index(digit) if digit else int(bool(place))) * unit
        total += value * weight
    return total


@given(st.integers(0, LIMIT))
def test_every_number_reads_back(number: int) -> None:
    assert read(spell(number)) == number


@given(st.integers(1, LIMIT))
def test_zeros_stand_alone_and_never_last(number: int) -> None:
    words = spell(number)
    assert "零零" not in words
    assert not words.endswith("零")
    assert "零万" not in words


@pytest.mark.parametrize("number", [-1, LIMIT + 1])
def test_numbers_outside_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="outside 0 to"):
        spell(number)
