"""numeric and math_accuracy: the final number of the output equals the gold answer.

Extraction is a function of the output, the language and the rule: it is never shown the
reference. ``flexible`` takes the last number of the output; ``strict`` the first number right
after the last answer marker (or the group of ``pattern``). A truncated output is wrong.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from pydantic import field_validator

from clt_jobs.metrics.markers import marker_pattern
from clt_jobs.metrics.numbers import NumberRule, find_numbers, number_rule, read_number
from clt_jobs.metrics.records import Generation, ItemScore, Scored
from clt_jobs.metrics.registry import metric, signature
from clt_operator.api.base import Record
from clt_operator.api.errors import InputError

_REACH = 16  # characters between a marker and its number: spaces, colon, currency, markup


class MathArguments(Record):
    """``pattern``: a regular expression whose first group holds the strict answer, in place
    of the language's markers. ``decimal``: overrides the language's decimal mark."""

    pattern: str = ""
    decimal: Literal["auto", "point", "comma"] = "auto"
    truncated_is_wrong: bool = True

    @field_validator("pattern")
    @classmethod
    def _one_group(cls, pattern: str) -> str:
        try:
            groups = re.compile(pattern).groups if pattern else 1
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        if groups < 1:
            raise ValueError("needs a group around the number, such as 'Answer: (.+)'")
        return pattern


class NumericArguments(MathArguments):
    extract: Literal["flexible", "strict"] = "flexible"


@dataclass(frozen=True, slots=True)
class Extractor:
    """The number that an output gives as its answer, or None."""

    rule: NumberRule
    language: str
    pattern: str = ""

    def flexible(self, output: str) -> Decimal | None:
        """The last number."""
        found = find_numbers(output, self.rule)
        return found[-1].value if found else None

    def strict(self, output: str) -> Decimal | None:
        """The number announced last."""
        if self.pattern:
            matches = list(re.finditer(self.pattern, output))
            return self.flexible(matches[-1].group(1) or "") if matches else None
        for match in reversed(list(marker_pattern(self.language).finditer(output))):
            line = output[match.end() :].split("\n", 1)[0]
            found = find_numbers(line, self.rule)
            if found and found[0].start <= _REACH:
                return found[0].value
        return None


@metric("numeric", version=1, needs="generations", arguments=NumericArguments)
def numeric(records: Sequence[Generation], language: str, arguments: NumericArguments) -> Scored:
    """1 where the extracted number equals the gold one. Flags: ``got=<number>``."""
    extractor = _extractor(language, arguments)
    extract = extractor.strict if arguments.extract == "strict" else extractor.flexible
    items = []
    for record in records:
        value = extract(record.output)
        items.append(
            ItemScore(
                item=record.item,
                cluster=record.cluster,
                score=float(_right(value, _gold(record), record, arguments)),
                failed=value is None,
                truncated=record.truncated,
                flags=f"got={_plain(value)}",
            )
        )
    described = _signature("numeric", extractor, arguments, extract=arguments.extract)
    return Scored(tuple(items), described, {})


@metric("math_accuracy", version=1, needs="generations", arguments=MathArguments)
def math_accuracy(records: Sequence[Generation], language: str, arguments: MathArguments) -> Scored:
    """MGSM accuracy: flexible extraction is the score, strict is kept beside it.

    Flags: ``got=<flexible number>;strict=<1|0|none>``. Extras: ``strict_mean``,
    ``strict_failed`` and ``extractors_differ`` (items that the two judge differently).
    """
    extractor = _extractor(language, arguments)
    items = []
    tally: Counter[str] = Counter()
    for record in records:
        gold = _gold(record)
        value, announced = extractor.flexible(record.output), extractor.strict(record.output)
        right = _right(value, gold, record, arguments)
        strict = _right(announced, gold, record, arguments)
        tally.update(strict=strict, failed=announced is None, differ=strict != right)
        flag = "none" if announced is None else str(int(strict))
        items.append(
            ItemScore(
                item=record.item,
                cluster=record.cluster,
                score=float(right),
                failed=value is None,
                truncated=record.truncated,
                flags=f"got={_plain(value)};strict={flag}",
            )
        )
    extras = {
        "strict_mean": tally["strict"] / len(items) if items else None,
        "strict_failed": tally["failed"],
        "extractors_differ": tally["differ"],
    }
    described = _signature("math_accuracy", extractor, arguments, extract="flexible+strict")
    return Scored(tuple(items), described, extras)


def _extractor(language: str, arguments: MathArguments) -> Extractor:
    return Extractor(number_rule(language, arguments.decimal), language, arguments.pattern)


def _right(
    value: Decimal | None, gold: Decimal, record: Generation, arguments: MathArguments
) -> bool:
    if record.truncated and arguments.truncated_is_wrong:
        return False
    return value is not None and value == gold


def _gold(record: Generation) -> Decimal:
    gold = read_number(record.answer)
    if gold is None:
        raise InputError(
            f"item {record.item!r}: the gold answer {record.answer!r} is not one number; "
            f"map 'answer' to a column of numbers, or choose another metric"
        )
    return gold


def _plain(value: Decimal | None) -> str:
    return "none" if value is None else f"{value.normalize():f}"


def _signature(name: str, extractor: Extractor, arguments: MathArguments, **parts: str) -> str:
    return signature(
        name,
        v=1,
        **parts,
        numbers=extractor.rule.name,
        strict=arguments.pattern or "markers",
        truncated="wrong" if arguments.truncated_is_wrong else "scored",
    )
