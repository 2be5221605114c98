"""Numbers in text: where they are and what they are worth, by a stated locale rule.

"2.125" is two and an eighth in English and two thousand in German. The decimal mark follows
the language of the cell (``decimal_mark``) and is part of a metric's signature. Only what is
ambiguous is decided by it; "1.234,5" and "1,234.5" read the same everywhere:

- a separator that occurs twice or more groups, if the groups are well formed (three digits;
  or twos and a last three, as in India), or else the parts are numbers of their own;
- of two different separators the last is the decimal mark;
- one separator before exactly three digits groups, unless it is the language's decimal mark
  or the part before it is 0;
- one separator before any other count of digits is a decimal mark if it is a point, or the
  language's own mark; "3,5" in a language with a decimal point is two numbers;
- spaces group (in threes) where the decimal mark is a comma, no-break spaces and apostrophes
  everywhere.

A minus sign counts when it touches the number (a currency sign may lie between) and nothing
before it makes it an operator: "7 -9" and "7-9" hold 7 and 9. Currency and percent are
dropped: "$15" and "15 %" are 15.
"""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from clt_jobs.metrics.numerals import MULTIPLIER, fold_digits, han_numbers, multiplier_value

# Languages that write a decimal comma (CLDR); their thousands are grouped by point or space.
_COMMA = frozenset(
    """af az be bg bs ca cs da de el es et eu fi fr gl hr hu hy id is it ka kk lt lv mk mn
    nb nl nn no pl pt ro ru sk sl sq sr sv tr uk uz vi""".split()  # noqa: SIM905
)
_HAN = frozenset(["zh", "yue", "ja"])
_MULTIPLYING = _HAN | {"ko"}

_CURRENCY = "$€£¥₹₩₽฿₺₫₴₦₱₪₸৳"
_SPACE = "\u00a0"


@dataclass(frozen=True, slots=True)
class Found:
    """A number at ``text[start:end]``, sign included."""

    start: int
    end: int
    value: Decimal


@dataclass(frozen=True, slots=True)
class NumberRule:
    """How numbers are read. ``decimal`` is "." or ","; ``language`` a base code."""

    decimal: str
    language: str

    @property
    def name(self) -> str:
        """The rule in a signature."""
        han = "+han-if-no-digits" if self.language in _HAN else ""
        units = "+myriads" if self.language in _MULTIPLYING else ""
        return f"decimal-{'comma' if self.decimal == ',' else 'point'}{units}{han}"


def number_rule(language: str, decimal: str = "auto") -> NumberRule:
    """The rule of a language; ``decimal`` ("point" or "comma") overrides its mark."""
    base = language.replace("_", "-").split("-")[0].lower()
    if decimal == "auto":
        return NumberRule("," if base in _COMMA else ".", base)
    return NumberRule("," if decimal == "comma" else ".", base)


GOLD_RULE = NumberRule(".", "")  # gold answers: decimal point, thousands comma, in any language


def find_numbers(text: str, rule: NumberRule) -> list[Found]:
    """All numbers of a text in order. In Chinese and Japanese, numerals are read only where
    the text has no number in digits (一起, "together", would be a one)."""
    folded = fold_digits(text)
    found: list[Found] = []
    for match in _pattern(rule).finditer(folded):
        found.extend(_read(match, folded, rule))
    if not found and rule.language in _HAN:
        colloquial = rule.language != "ja"
        return [Found(*number) for number in han_numbers(folded, colloquial=colloquial)]
    return found


def read_number(text: str, rule: NumberRule = GOLD_RULE) -> Decimal | None:
    """The value of a text that holds exactly one number, or None."""
    found = find_numbers(text, rule)
    return found[0].value if len(found) == 1 else None


@cache
def _pattern(rule: NumberRule) -> re.Pattern[str]:
    space = " " if rule.decimal == "," else ""
    chunk = rf"[0-9]+(?:[.,'{_SPACE}{space}][0-9]+)*"
    if rule.language in _MULTIPLYING:
        body = rf"(?:{chunk}{MULTIPLIER}+)+(?:{chunk})?|{chunk}"
    else:
        body = chunk
    return re.compile(rf"(?P<sign>[-+]?)(?:[{_CURRENCY}][ {_SPACE}]?-?)?(?P<body>{body})")


_PART = re.compile(rf"([0-9][0-9.,' {_SPACE}]*)({MULTIPLIER}*)")


def _read(match: re.Match[str], text: str, rule: NumberRule) -> list[Found]:
    body, start = match.group("body"), match.start("body")
    parts = _PART.findall(body)
    if any(units for _, units in parts):
        value = Decimal(0)
        for digits, units in parts:
            value += chunk_values(digits, rule)[-1][1] * multiplier_value(units)
        found = [Found(start, match.end(), value)]
    else:
        found = [
            Found(start + offset, start + offset + length, value)
            for (offset, value, length) in _placed(chunk_values(body, rule))
        ]
    if _negative(match, text):
        first = found[0]
        found[0] = Found(match.start(), first.end, first.value.copy_negate())
    return found


def _placed(values: list[tuple[str, Decimal]]) -> list[tuple[int, Decimal, int]]:
    placed, offset = [], 0
    for text, value in values:
        placed.append((offset, value, len(text)))
        offset += len(text) + 1
    return placed


def _negative(match: re.Match[str], text: str) -> bool:
    head = text[match.start() : match.start("body")]
    if "-" not in head:
        return False
    if not head.startswith("-"):  # $-5
        return True
    before = text[: match.start()]
    if not before:
        return True
    if before[-1].isspace():
        before = before.rstrip()
        return not before or not (before[-1].isdigit() or before[-1] in ")]%")
    return not (before[-1].isalnum() or before[-1] in ")]%")


def chunk_values(chunk: str, rule: NumberRule) -> list[tuple[str, Decimal]]:
    """(text, value) of the numbers in digits joined by single separators: one, or several."""
    separators = re.findall(r"[^0-9]", chunk)
    parts = re.split(r"[^0-9]", chunk)
    if not separators:
        return [(chunk, Decimal(chunk))]
    kinds = set(separators)
    last = separators[-1]
    plain = "".join(parts)
    if len(kinds) == 2 and separators.count(last) == 1 and last in ".,":
        if _grouped(parts[:-1]):
            return [(chunk, Decimal(f"{''.join(parts[:-1])}.{parts[-1]}"))]
    elif len(kinds) == 1 and last in ".," and len(separators) == 1:
        if _groups_once(parts, last, rule):
            return [(chunk, Decimal(plain))]
        if last in (".", rule.decimal):
            return [(chunk, Decimal(f"{parts[0]}.{parts[1]}"))]
    elif len(kinds) == 1 and _grouped(parts):
        return [(chunk, Decimal(plain))]
    return _split(chunk, rule)


def _groups_once(parts: list[str], separator: str, rule: NumberRule) -> bool:
    return separator != rule.decimal and parts[0] != "0" and _grouped(parts)


def _grouped(parts: list[str]) -> bool:
    """Whether digits between separators are groups: 1,234,567 or, as in India, 12,34,567."""
    if not 1 <= len(parts[0]) <= 3 or (parts[0].startswith("0") and len(parts) > 1):
        return False
    if len(parts) == 1:
        return True
    middle = {len(part) for part in parts[1:-1]}
    return len(parts[-1]) == 3 and (middle <= {3} or middle == {2})


def _split(chunk: str, rule: NumberRule) -> list[tuple[str, Decimal]]:
    """A chunk that is no single number: cut at spaces, else at commas that are no decimal
    mark, else at every separator."""
    for loose in ("[' \u00a0]", "," if rule.decimal == "." else ""):
        if loose and re.search(loose, chunk):
            parts = re.split(loose, chunk)
            return [value for part in parts for value in chunk_values(part, rule)]
    return [(part, Decimal(part)) for part in re.split(r"[^0-9]", chunk)]
