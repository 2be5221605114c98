"""exact_match: 1 where the output is the reference after the stated normalisations."""

import unicodedata
from collections.abc import Sequence
from typing import Literal

from clt_jobs.metrics.records import Generation, ItemScore, Scored
from clt_jobs.metrics.references import Reference, reference_of
from clt_jobs.metrics.registry import metric, signature
from clt_jobs.metrics.text import fold
from clt_operator.api.base import Record


class ExactMatchArguments(Record):
    reference: Reference = "response"
    nfkc: bool = True
    casefold: bool = False
    whitespace: Literal["collapse", "keep"] = "collapse"
    punctuation: Literal["keep", "strip_ends"] = "keep"
    truncated_is_wrong: bool = True


@metric("exact_match", version=1, needs="generations", arguments=ExactMatchArguments)
def exact_match(
    records: Sequence[Generation], language: str, arguments: ExactMatchArguments
) -> Scored:
    """An empty output is a failed extraction; a truncated one is wrong unless told otherwise."""
    del language  # the rule is the same in all
    items = []
    fallbacks = 0
    for record in records:
        wanted, fell_back = reference_of(record, arguments.reference)
        fallbacks += fell_back
        got = normalise(record.output, arguments)
        wrong = record.truncated and arguments.truncated_is_wrong
        right = not wrong and got == normalise(wanted, arguments)
        items.append(
            ItemScore(
                item=record.item,
                cluster=record.cluster,
                score=float(right),
                failed=not got,
                truncated=record.truncated,
            )
        )
    described = signature(
        "exact_match",
        v=1,
        ref=arguments.reference,
        nfkc=arguments.nfkc,
        casefold=arguments.casefold,
        whitespace=arguments.whitespace,
        punctuation=arguments.punctuation,
        truncated="wrong" if arguments.truncated_is_wrong else "scored",
    )
    return Scored(tuple(items), described, {"reference_fallbacks": fallbacks})


def normalise(text: str, arguments: ExactMatchArguments) -> str:
    """The text as it is compared."""
    if arguments.nfkc:
        text = fold(text, case=False)
    if arguments.casefold:
        text = text.casefold()
    if arguments.whitespace == "collapse":
        text = " ".join(text.split())
    if arguments.punctuation == "strip_ends":
        text = _strip_punctuation(text)
    return text


def _strip_punctuation(text: str) -> str:
    def outer(character: str) -> bool:
        return character.isspace() or unicodedata.category(character).startswith("P")

    start, end = 0, len(text)
    while start < end and outer(text[start]):
        start += 1
    while end > start and outer(text[end - 1]):
        end -= 1
    return text[start:end]
