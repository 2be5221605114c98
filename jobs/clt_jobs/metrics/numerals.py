"""Digits of every script as ASCII, and numbers written in Chinese or Japanese numerals.

``fold_digits`` keeps the length of the text, so that positions found in the folded text hold
in the original. NFKC is not used: it would turn the square of "m²" into a 2.
"""

import re
import unicodedata
from decimal import Decimal
from functools import cache

# One character for one: signs, separators and percent of other scripts, as ASCII.
_SYMBOLS = {
    **dict.fromkeys("−‐‑‒–﹣－", "-"),
    **dict.fromkeys("＋﹢", "+"),
    **dict.fromkeys("．٫", "."),
    **dict.fromkeys("，", ","),
    **dict.fromkeys("٬’＇", "'"),
    **dict.fromkeys("٪％﹪", "%"),
    **dict.fromkeys("\u00a0\u202f\u2009\u2007", "\u00a0"),
    **dict.fromkeys("＝﹦", "="),
    **dict.fromkeys("：﹕", ":"),
    "＄": "$",
    "￥": "¥",
}


def fold_digits(text: str) -> str:
    """The text with decimal digits, signs and separators in ASCII; same length.

    Covers every Unicode decimal digit: Arabic-Indic, Extended Arabic-Indic, Devanagari,
    Bengali, Telugu, Thai, fullwidth and the rest. The Arabic decimal separator becomes a
    point, the Arabic thousands separator an apostrophe (which only ever groups).
    """
    return "".join(map(_fold_character, text))


@cache
def _fold_character(character: str) -> str:
    if character in _SYMBOLS:
        return _SYMBOLS[character]
    digit = unicodedata.decimal(character, None)
    return character if digit is None else str(digit)


_DIGITS = {
    **{character: value for value, character in enumerate("零一二三四五六七八九")},
    **{character: value for value, character in enumerate("〇壹贰叁肆伍陆柒捌玖")},
    **dict(zip("两兩貳參肆陸", (2, 2, 2, 3, 4, 6), strict=True)),
}
_UNITS = {
    **dict.fromkeys("十拾", 10),
    **dict.fromkeys("百佰", 100),
    **dict.fromkeys("千仟", 1000),
}
_SECTIONS = {**dict.fromkeys("万萬", 10**4), **dict.fromkeys("亿億", 10**8)}

_LONGEST = 100  # characters; what is longer is a model that repeats itself

HAN_NUMERAL = "".join([*_DIGITS, *_UNITS, *_SECTIONS])
_HAN_NUMBER = re.compile(f"[负負-]?[{HAN_NUMERAL}]+(?:[点點][{''.join(_DIGITS)}]+)?")


def han_numbers(text: str, *, colloquial: bool = True) -> list[tuple[int, int, Decimal]]:
    """(start, end, value) of every number in Chinese or Japanese numerals, in order.

    ``colloquial``: a digit right after a unit above ten counts in the next lower unit, as
    Chinese says it (三百五 is 350); Japanese does not (305).
    """
    found = []
    for match in _HAN_NUMBER.finditer(text):
        value = han_value(match.group().lstrip("负負-"), colloquial=colloquial)
        if value is not None:
            negative = match.group()[0] in "负負-"
            found.append((match.start(), match.end(), -value if negative else value))
    return found


def han_value(numeral: str, *, colloquial: bool = True) -> Decimal | None:
    """The value of one numeral (三百二十一 → 321, 二〇二五 → 2025, 三点五 → 3.5), or None."""
    whole, _, fraction = numeral.replace("點", "点").partition("点")
    value = _whole(whole, colloquial)
    if value is None or not fraction:
        return None if value is None else Decimal(value)
    if any(character not in _DIGITS for character in fraction):
        return None
    return Decimal(f"{value}.{''.join(str(_DIGITS[c]) for c in fraction)}")


def _whole(numeral: str, colloquial: bool) -> int | None:
    if not 0 < len(numeral) <= _LONGEST:
        return None
    if all(character in _DIGITS for character in numeral):
        return int("".join(str(_DIGITS[character]) for character in numeral))
    total = section = 0
    digit: int | None = None
    last_unit = 1
    for character in numeral:
        if character in _DIGITS:
            if digit:  # two digits side by side among units are no number
                return None
            digit = _DIGITS[character]
            last_unit = 1 if digit == 0 else last_unit
        elif character in _UNITS:
            last_unit = _UNITS[character]
            section += (1 if digit is None else digit) * last_unit
            digit = None
        else:
            last_unit = _SECTIONS[character]
            total += (section + (digit or 0) or 1) * last_unit
            section, digit = 0, None
    lower = last_unit // 10 if colloquial and last_unit > 10 and digit else 1
    return total + section + (digit or 0) * lower


# Units that follow digits: 8万, 2千万, 5만. A kilogram (千克) is no thousand.
MULTIPLIER = r"(?:[万萬亿億百만억천백]|千(?![克米瓦卡]))"
_MULTIPLIERS = {**_UNITS, **_SECTIONS, "만": 10**4, "억": 10**8, "천": 1000, "백": 100}


def multiplier_value(units: str) -> int:
    """The product of the units after a number in digits."""
    product = 1
    for unit in units:
        product *= _MULTIPLIERS[unit]
    return product
