"""The score step: records in, a score per item and a summary out. No model is loaded."""

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from clt_jobs.context import Context
from clt_jobs.data.parquet import write_records
from clt_jobs.generate.records import read_generations
from clt_jobs.languages.identify import SIGNATURE, Told, identify
from clt_jobs.likelihood.records import read_likelihoods
from clt_jobs.metrics.records import Generation, ItemScore, Scored
from clt_jobs.metrics.registry import Metric, find
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.score import ScoreParams

ITEMS_FILE = "items.parquet"
SUMMARY_FILE = "summary.json"
_SHOWN = ("n", "mean", "failed", "truncated", "told", "wrong_language")
ITEMS_SCHEMA = pa.schema(
    [
        pa.field("item", pa.string(), nullable=False),
        pa.field("cluster", pa.string()),
        pa.field("score", pa.float64(), nullable=False),
        pa.field("failed", pa.bool_(), nullable=False),
        pa.field("truncated", pa.bool_(), nullable=False),
        pa.field("flags", pa.string(), nullable=False),
        pa.field("wrong_language", pa.bool_()),  # null: cannot be told
    ]
)


def score(params: ScoreParams, context: Context) -> None:
    """Writes ``items`` and ``summary``.

    Raises InputError for a metric or arguments that are unknown, for records of the wrong
    kind or none, and for scores that are not finite.
    """
    metric = find(params.metric)
    records = read_records(metric, context.input("records"))
    if not records:
        raise InputError("there are no records: the cell has no items to score")
    scored = metric.score(records, params.language, params.arguments)
    for item in scored.items:
        if not math.isfinite(item.score):
            raise InputError(f"item {item.item!r} has a {params.metric} of {item.score}")
    told = tell(metric, records, params.language)
    summary = summarise(metric, scored, told)
    write_records(context.output("items") / ITEMS_FILE, ITEMS_SCHEMA, _rows(scored.items, told))
    text = json.dumps(summary, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False)
    (context.output("summary") / SUMMARY_FILE).write_text(text + "\n", encoding="utf-8")
    context.summarise(**{name: summary[name] for name in _SHOWN})


def read_records(metric: Metric, directory: Path) -> Sequence[Any]:
    """The records of the kind that the metric needs; InputError where they are of the other."""
    try:
        if metric.needs == "generations":
            return read_generations(directory)
        return read_likelihoods(directory)
    except InputError as error:
        step = "generate" if metric.needs == "generations" else "likelihood"
        raise InputError(f"metric {metric.name} reads records of a {step} step: {error}") from error


def tell(metric: Metric, records: Sequence[Any], language: str) -> list[Told]:
    """Of each answer, whether it is in the language; of likelihoods nothing can be told."""
    if metric.needs != "generations":
        return ["unknown"] * len(records)
    return [_told(record, language) for record in records]


def _told(record: Generation, language: str) -> Told:
    reference = record.response or record.answer
    return identify(record.output, language, prompt=record.prompt, reference=reference)


def summarise(metric: Metric, scored: Scored, told: Sequence[Told]) -> dict[str, Any]:
    """The figures of a cell; what the metric adds stands beside them.

    ``told``: answers of which the language could be told; ``wrong_language``: those of them in
    another. A signature names how it was told, where answers were read.
    """
    items = scored.items
    generated = metric.needs == "generations"
    signature = f"{scored.signature}|language:{SIGNATURE}" if generated else scored.signature
    return {
        **scored.extras,
        "metric": metric.name,
        "version": metric.version,
        "higher_is_better": metric.higher_is_better,
        "n": len(items),
        "mean": math.fsum(item.score for item in items) / len(items),
        "failed": sum(item.failed for item in items),
        "truncated": sum(item.truncated for item in items),
        "told": sum(found != "unknown" for found in told),
        "wrong_language": sum(found == "wrong" for found in told),
        "signature": signature,
    }


def _rows(items: Sequence[ItemScore], told: Sequence[Told]) -> Iterator[dict[str, Any]]:
    for item, found in zip(items, told, strict=True):
        yield {
            "item": item.item,
            "cluster": item.cluster or None,
            "score": item.score,
            "failed": item.failed,
            "truncated": item.truncated,
            "flags": item.flags,
            "wrong_language": None if found == "unknown" else found == "wrong",
        }
