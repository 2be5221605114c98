"""Metrics over log-probabilities of the gold answer and of fixed distractors.

They move where accuracy of generated answers still sits at its floor. All are in nats and
need no extraction, so nothing can fail; prompts that were cut are counted as truncated.
"""

import math
from collections.abc import Callable, Sequence
from typing import Literal

from clt_jobs.metrics.records import ItemScore, Likelihood, Scored
from clt_jobs.metrics.registry import NoArguments, metric, signature
from clt_operator.api.base import Record
from clt_operator.api.errors import InputError


class GoldLogprobArguments(Record):
    per: Literal["item", "byte"] = "byte"


@metric("gold_margin", version=1, needs="likelihood")
def gold_margin(records: Sequence[Likelihood], language: str, arguments: NoArguments) -> Scored:
    """log p(gold) − logsumexp over the distractors, in nats.

    0 or more: the gold answer alone outweighs them all. Chance, with c distractors as likely
    as the gold answer, is −log c.
    """
    del language, arguments
    items = _score(records, lambda record: record.gold_logprob - _log_sum_exp(record))
    distractors = sorted({len(record.option_logprobs) for record in records})
    described = signature("gold_margin", v=1, unit="nats", distractors=_listed(distractors))
    return Scored(items, described, {"above_zero": sum(item.score >= 0 for item in items)})


@metric("choice_accuracy", version=1, needs="likelihood")
def choice_accuracy(records: Sequence[Likelihood], language: str, arguments: NoArguments) -> Scored:
    """1 where the gold answer is strictly more likely than every distractor; a tie is wrong."""
    del language, arguments
    items = _score(records, lambda record: float(record.gold_logprob > max(_options(record))))
    sizes = [1 / (1 + len(record.option_logprobs)) for record in records]
    extras = {"chance": math.fsum(sizes) / len(sizes) if sizes else None}
    return Scored(items, signature("choice_accuracy", v=1, ties="wrong"), extras)


@metric("gold_logprob", version=1, needs="likelihood", arguments=GoldLogprobArguments)
def gold_logprob(
    records: Sequence[Likelihood], language: str, arguments: GoldLogprobArguments
) -> Scored:
    """Log-probability of the gold answer in nats, per UTF-8 byte of it or per item."""
    del language

    def value(record: Likelihood) -> float:
        if arguments.per == "item":
            return record.gold_logprob
        return record.gold_logprob / max(1, len(record.gold.encode()))

    described = signature("gold_logprob", v=1, unit="nats", per=arguments.per)
    return Scored(_score(records, value), described)


def _score(
    records: Sequence[Likelihood], value: Callable[[Likelihood], float]
) -> tuple[ItemScore, ...]:
    return tuple(
        ItemScore(
            item=record.item,
            cluster=record.cluster,
            score=value(record),
            truncated=record.truncated,
        )
        for record in records
    )


def _options(record: Likelihood) -> tuple[float, ...]:
    if not record.option_logprobs:
        raise InputError(
            f"item {record.item!r} has no distractors: its records cannot be scored by choice; "
            f"run its likelihood step with distractors"
        )
    return record.option_logprobs


def _log_sum_exp(record: Likelihood) -> float:
    values = _options(record)
    top = max(values)
    if math.isinf(top):
        return top
    return top + math.log(math.fsum(math.exp(value - top) for value in values))


def _listed(numbers: Sequence[int]) -> str:
    return ",".join(str(number) for number in numbers)
