"""The summary: few numbers, bounded, for metrics and for ``cltctl get``.

``clt_operator.api.report_summary`` is what the operator reads of it, and how much it reads.
"""

import json
from typing import Any

from clt_jobs.report.curves import PIVOT, Curve
from clt_jobs.report.dropped import MISSING
from clt_jobs.report.results import Results
from clt_jobs.report.rows import PointRow
from clt_operator.api.report_summary import MOST_BYTES, MOST_ENTRIES

LARGEST = MOST_ENTRIES  # per list: what does not fit is counted
QUANTITIES = ("rel", "seen", "unseen", "gap")

Entry = dict[str, Any]


def summary_of(results: Results) -> Entry:
    """Headline contrasts, and on each task's primary metric, at every k, the score of each
    language and of their groups. Where a list is too long, the baseline and the largest k of
    every curve come first."""
    scores: list[tuple[bool, Entry]] = []  # whether it is at an end of its curve
    quantities: list[tuple[bool, Entry]] = []
    for curve in results.curves:
        if curve.primary and curve.main:
            ends = {results.params.baseline_k, max(curve.ks)}
            scores += [(entry["k"] in ends, entry) for entry in _scores(results, curve)]
            quantities += [(entry["k"] in ends, entry) for entry in _quantities(results, curve)]
    contrasts = [_contrast(row) for row in results.headline]
    most = LARGEST
    while True:
        summary = {
            "title": results.params.title,
            "cells": len({(r.training, r.task, r.language, r.metric) for r in results.cells}),
            "missing": sum(row.what == MISSING for row in results.dropped),
            "contrasts": contrasts[:most],
            "scores": _bounded(scores, most),
            "quantities": _bounded(quantities, most),
            "left_out": sum(max(0, len(x) - most) for x in (contrasts, scores, quantities)),
        }
        if not most or len(text_of(summary).encode()) <= MOST_BYTES:
            return summary
        most = most * 3 // 4


def text_of(summary: Entry) -> str:
    """As it is written."""
    text = json.dumps(summary, sort_keys=True, ensure_ascii=False, indent=1, allow_nan=False)
    return text + "\n"


def _labels(curve: Curve) -> dict[str, Any]:
    place = curve.place
    return {
        "sweep": place.sweep,
        "model": place.model,
        "mix": place.mix,
        "trained": place.trained,
        "coordinates": place.coordinates,
        "task": place.task,
        "metric": place.metric,
    }


def _bounded(entries: list[tuple[bool, Entry]], most: int) -> list[Entry]:
    ranked = sorted(range(len(entries)), key=lambda at: not entries[at][0])
    return [entries[at][1] for at in sorted(ranked[:most])]


def _scores(results: Results, curve: Curve) -> list[Entry]:
    base = results.params.baseline_k
    rows = [row for row in results.of(curve).points if row.control == ""]
    values = {(row.k, row.language): row.value for row in rows}
    pivot = next((code for code, role in curve.roles.items() if role == PIVOT), "")
    return [
        {
            **_labels(curve),
            "k": row.k,
            "language": row.language,
            "role": row.role,
            "score": row.value,
            "lo": row.lo,
            "hi": row.hi,
            "change": None if row.k == base else _change(row, values.get((base, row.language))),
            "relative": _relative(curve, row, values.get((row.k, pivot))),
            "n": row.n_items,
            "seeds": row.n_seeds,
            "answers": _answers(curve, row),
            "failed": row.failed,
            "truncated": row.truncated,
            "told": row.told,
            "wrong_language": row.wrong_language,
        }
        for row in rows
    ]


def _change(row: PointRow, base: float | None) -> float | None:
    return None if row.value is None or base is None else row.value - base


def _relative(curve: Curve, row: PointRow, pivot: float | None) -> float | None:
    known = row.value is not None and pivot is not None and pivot > 0
    return row.value / pivot if known and curve.scale.ratio else None  # type: ignore[operator]


def _answers(curve: Curve, row: PointRow) -> int:
    """Of all seeds together."""
    return sum(
        facts.n
        for (arm, _, language), facts in curve.cells.items()
        if (arm.control, arm.k, language) == ("", row.k, row.language)
    )


def _quantities(results: Results, curve: Curve) -> list[Entry]:
    return [
        {**_labels(curve), "k": row.k, "quantity": row.quantity, "value": row.value}
        for row in results.of(curve).quantities
        if row.control == "" and row.k is not None and row.quantity in QUANTITIES
    ]


def _contrast(row: Any) -> dict[str, Any]:
    kept = (
        "contrast", "sweep", "model", "mix", "trained", "coordinates", "task", "metric", "k",
        "group", "value", "lo", "hi", "simultaneous_lo", "simultaneous_hi", "p_adjusted",
        "margin", "verdict", "n_items", "n_seeds", "label", "note",
    )  # fmt: skip
    return {name: getattr(row, name) for name in kept}
