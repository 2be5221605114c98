"""number-words: digit sums, number words, readings of sums, and sums in words.

Four tasks over the same small numbers, in every language that has number words:

======================== ====================== ============== ======
generator                prompt                 response       answer
======================== ====================== ============== ======
number-words/digit-sums  ``7 + 9``              ``16``         ``16``
number-words/words       ``nueve``              ``9``          ``9``
number-words/readings    ``siete más nueve``    ``7 + 9``      ``7 + 9``
number-words/sums        ``siete más nueve ?``  ``7 + 9 = 16`` ``16``
======================== ====================== ============== ======

An item is the number, or the ordered pair (``7+9``), shared over languages. 7+9 and 9+7 are near
twins: they carry one cluster, so that a split can keep them on one side. Digit sums read the
same in every language, so they exist for all of them.
"""

from collections.abc import Callable, Iterator

from pydantic import Field

from clt_jobs.data.generators.registry import generate, generator
from clt_jobs.data.generators.spelling import speller, sum_in_words
from clt_jobs.data.permutation import order
from clt_jobs.data.rows import Row
from clt_operator.api.base import Record
from clt_operator.api.errors import InputError
from clt_operator.api.languages import Language

FAMILY = "number-words"


class NumberWords(Record):
    """Numbers run from 0 to ``maximum``; ``count`` rows are kept (0: all), the first of the
    permutation of items under ``seed``."""

    maximum: int = Field(default=20, ge=0, le=999)
    count: int = Field(default=0, ge=0)
    seed: int = Field(default=0, ge=0)


@generator("number-words/digit-sums", NumberWords)
def digit_sums(spoken: Language, arguments: NumberWords) -> Iterator[Row]:
    for left, right in _pairs(arguments):
        total = str(left + right)
        yield _pair_row(spoken, (left, right), f"{left} + {right}", total, total)


@generator("number-words/words", NumberWords)
def words(spoken: Language, arguments: NumberWords) -> Iterator[Row]:
    spell = speller(spoken)
    items = [str(number) for number in range(arguments.maximum + 1)]
    for index in _kept(items, arguments):
        item = items[index]
        yield Row(
            id=f"{item}:{spoken.code}",
            item=item,
            language=spoken.code,
            prompt=spell(index),
            response=item,
            answer=item,
        )


@generator("number-words/readings", NumberWords)
def readings(spoken: Language, arguments: NumberWords) -> Iterator[Row]:
    say = _sayer(spoken, arguments)
    for left, right in _pairs(arguments):
        digits = f"{left} + {right}"
        yield _pair_row(spoken, (left, right), say(left, right), digits, digits)


@generator("number-words/sums", NumberWords)
def sums(spoken: Language, arguments: NumberWords) -> Iterator[Row]:
    say = _sayer(spoken, arguments)
    for left, right in _pairs(arguments):
        total = str(left + right)
        worked = f"{left} + {right} = {total}"
        yield _pair_row(spoken, (left, right), f"{say(left, right)} ?", worked, total)


def alphabet_of(languages: list[str], maximum: int) -> str:
    """Every character that the four generators use in these languages: sorted, no duplicates.

    Raises InputError for a language without number words.
    """
    seen: set[str] = set()
    for name in ("digit-sums", "words", "sums"):
        for code in languages:
            for row in generate(f"{FAMILY}/{name}", code, {"maximum": maximum}):
                seen.update(f"{row.prompt}{row.response}{row.answer}")
    return "".join(sorted(seen))


def _sayer(spoken: Language, arguments: NumberWords) -> Callable[[int, int], str]:
    spell = speller(spoken)
    spelled = [spell(number) for number in range(arguments.maximum + 1)]
    return lambda left, right: sum_in_words(spoken, spelled[left], spelled[right])


def _pairs(arguments: NumberWords) -> Iterator[tuple[int, int]]:
    numbers = range(arguments.maximum + 1)
    pairs = [(left, right) for left in numbers for right in numbers]
    items = [_item(left, right) for left, right in pairs]
    return (pairs[index] for index in _kept(items, arguments))


def _kept(items: list[str], arguments: NumberWords) -> list[int]:
    """Indices of the items kept, ascending. Raises InputError where there are too few."""
    if not arguments.count:
        return list(range(len(items)))
    if arguments.count > len(items):
        raise InputError(
            f"{arguments.count} rows asked for, but numbers up to {arguments.maximum} make "
            f"{len(items)}: raise maximum or lower count"
        )
    chosen = order(items, arguments.seed, FAMILY)[: arguments.count]
    return sorted(chosen.tolist())


def _item(left: int, right: int) -> str:
    return f"{left}+{right}"


def _pair_row(
    spoken: Language, pair: tuple[int, int], prompt: str, response: str, answer: str
) -> Row:
    item = _item(*pair)
    return Row(
        id=f"{item}:{spoken.code}",
        item=item,
        language=spoken.code,
        cluster=_item(min(pair), max(pair)),
        prompt=prompt,
        response=response,
        answer=answer,
    )
