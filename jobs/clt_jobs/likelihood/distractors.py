"""Fixed wrong answers: the same in every language and for every model.

A distractor never equals the gold answer as a number, and is neither its beginning nor its
continuation: answers are scored without an end token, so "16" can never be less likely than
"160", whatever the model knows.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from itertools import count

from clt_jobs.data.permutation import order, rank
from clt_jobs.data.rows import Row
from clt_jobs.metrics.numbers import read_number
from clt_jobs.metrics.text import fold
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.likelihood import Distractors

_SALT = "distractors"
_STEPS = (1, 2, 3, 5, 10, 20, 100)


@dataclass(frozen=True, slots=True)
class Choices:
    """The answers of one item as they are scored: numbers in plain digits under ``numeric``."""

    gold: str
    options: tuple[str, ...]


def choices_of(rows: Sequence[Row], pool: Sequence[Row], rule: Distractors) -> list[Choices]:
    """The choices of each row, at most ``rule.count`` wrong ones and at least one.

    ``pool`` are all rows of the source in this language. Raises InputError where a row has
    no gold answer or no distractor can be made.
    """
    makers: dict[str, Callable[[Row, str], Choices]] = {
        "numeric": lambda row, gold: numeric_choices(row.item, gold, rule),
        "pool": Pool.of(pool, rule).choices if rule.rule == "pool" else _never,
        "column": lambda row, gold: _column_choices(row, gold, rule),
    }
    made = []
    for row in rows:
        if row.answer is None or not row.answer.strip():
            raise InputError(f"row {row.id!r} has no answer: map 'answer' in the source's columns")
        choices = makers[rule.rule](row, row.answer.strip())
        if not choices.options:
            raise InputError(
                f"row {row.id!r}: no distractor by the rule {rule.rule!r} differs from the gold "
                f"answer {row.answer!r}; choose another rule"
            )
        made.append(choices)
    return made


def numeric_choices(item: str, answer: str, rule: Distractors) -> Choices:
    """Numbers near the gold one, a function of (item id, gold answer, seed) alone.

    Raises InputError where the gold answer is not one number.
    """
    value = read_number(answer)
    if value is None:
        raise InputError(
            f"item {item!r}: the gold answer {answer!r} is not one number; "
            f"use distractors of the rule 'pool' or 'column'"
        )
    gold = plain(value)
    near = _fitting(gold, _near(value))
    near.sort(key=lambda text: sha256(f"{rule.seed}\0{item}\0{gold}\0{text}".encode()).digest())
    chosen = near[: rule.count]
    if len(chosen) < rule.count:
        wider = _fitting(gold, _farther(value), rule.count + len(near))
        chosen += [text for text in wider if text not in near][: rule.count - len(chosen)]
    return Choices(gold, tuple(chosen))


def plain(value: Decimal) -> str:
    """A number in plain ASCII digits: no grouping, no trailing zeros, no exponent."""
    return f"{value.normalize():f}" if value else "0"


def _near(value: Decimal) -> Iterator[Decimal]:
    for step in _STEPS:
        if step <= 10 or step <= 2 * abs(value):
            yield from (value + step, value - step)
    yield from (value * 2, value * 3, value * 10, value / 2)
    if value < 0:
        yield -value
    digits = plain(abs(value))
    for place in range(len(digits) - 1):
        if digits[place : place + 2].isdigit():
            swapped = digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]
            yield Decimal(swapped).copy_sign(value)


def _farther(value: Decimal) -> Iterator[Decimal]:
    for step in count(1):
        yield from (value + step, value - step)


def _fitting(gold: str, candidates: Iterable[Decimal], wanted: int | None = None) -> list[str]:
    """Unique candidates as text that can stand beside the gold answer, in their order."""
    decimals = max(0, -_exponent(Decimal(gold)))
    found: dict[str, None] = {}
    for candidate in candidates:
        if wanted is not None and len(found) >= wanted:
            break
        signed = candidate < 0 <= Decimal(gold)
        if signed or max(0, -_exponent(candidate.normalize())) > decimals:
            continue
        text = plain(candidate)
        if not related(gold, text):
            found[text] = None
    return list(found)


def _exponent(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def related(gold: str, other: str) -> bool:
    """Whether two answers are equal, as text or as numbers, or one begins with the other."""
    left, right = fold(gold).strip(), fold(other).strip()
    if left.startswith(right) or right.startswith(left):
        return True
    number = read_number(gold)
    return number is not None and number == read_number(other)


@dataclass(frozen=True)
class Pool:
    """Answers of other items: from a place that the item decides, on through one permutation
    of all items, so that parallel languages take them from the same items."""

    items: Sequence[str]
    answers: Sequence[str]
    rule: Distractors
    _folded: list[str] = field(default_factory=list)

    @staticmethod
    def of(rows: Sequence[Row], rule: Distractors) -> "Pool":
        ranked = [rows[i] for i in order([row.item for row in rows], rule.seed, _SALT)]
        answers = [(row.answer or "").strip() for row in ranked]
        return Pool([row.item for row in ranked], answers, rule)

    def choices(self, row: Row, gold: str) -> Choices:
        start = rank(row.item, self.rule.seed, _SALT, "start") % len(self.answers)
        found: dict[str, str] = {}
        for step in range(len(self.answers)):
            place = (start + step) % len(self.answers)
            answer = self.answers[place]
            if answer and self.items[place] != row.item and not related(gold, answer):
                found.setdefault(fold(answer), answer)
            if len(found) == self.rule.count:
                break
        return Choices(gold, tuple(found.values()))


def _column_choices(row: Row, gold: str, rule: Distractors) -> Choices:
    if row.options is None:
        raise InputError(f"row {row.id!r} has no options: map 'options' in the source's columns")
    number = read_number(gold)
    wrong: dict[str, str] = {}
    for option in row.options:
        same_number = number is not None and number == read_number(option)
        if fold(option).strip() != fold(gold) and not same_number:
            wrong.setdefault(fold(option).strip(), option)
    kept = list(wrong.values())
    if len(kept) > rule.count:
        ranked = order([str(place) for place in range(len(kept))], rule.seed, _SALT, row.item)
        kept = [kept[place] for place in sorted(int(i) for i in ranked[: rule.count])]
    return Choices(gold, tuple(kept))


def _never(row: Row, gold: str) -> Choices:
    raise AssertionError((row, gold))
