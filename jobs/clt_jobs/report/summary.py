"""The summary: few numbers, bounded, for metrics and for ``cltctl get``."""

from typing import Any

from clt_jobs.report.curves import Curve
from clt_jobs.report.dropped import MISSING
from clt_jobs.report.results import Results

LARGEST = 1000  # entries per list: what does not fit is counted


def summary_of(results: Results) -> dict[str, Any]:
    """Headline contrasts, and per task × language the score at the baseline and the largest k."""
    scores, quantities = [], []
    for curve in results.curves:
        if curve.primary and curve.main:
            scores += _scores(results, curve)
            quantities += _quantities(results, curve)
    contrasts = [_contrast(row) for row in results.headline]
    return {
        "title": results.params.title,
        "cells": len({(r.training, r.task, r.language, r.metric) for r in results.cells}),
        "missing": sum(row.what == MISSING for row in results.dropped),
        "contrasts": contrasts[:LARGEST],
        "scores": scores[:LARGEST],
        "quantities": quantities[:LARGEST],
        "left_out": sum(max(0, len(x) - LARGEST) for x in (contrasts, scores, quantities)),
    }


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


def _ends(results: Results, curve: Curve) -> list[int]:
    return sorted({results.params.baseline_k, max(curve.ks)} & set(curve.ks))


def _scores(results: Results, curve: Curve) -> list[dict[str, Any]]:
    ends = _ends(results, curve)
    return [
        {
            **_labels(curve),
            "k": row.k,
            "language": row.language,
            "role": row.role,
            "score": row.value,
            "lo": row.lo,
            "hi": row.hi,
            "n": row.n_items,
            "seeds": row.n_seeds,
            "failed": row.failed,
            "truncated": row.truncated,
            "told": row.told,
            "wrong_language": row.wrong_language,
        }
        for row in results.of(curve).points
        if row.control == "" and row.k in ends
    ]


def _quantities(results: Results, curve: Curve) -> list[dict[str, Any]]:
    ends = _ends(results, curve)
    return [
        {**_labels(curve), "k": row.k, "quantity": row.quantity, "value": row.value}
        for row in results.of(curve).quantities
        if row.control == "" and row.k in ends and row.quantity in ("rel", "seen", "unseen", "gap")
    ]


def _contrast(row: Any) -> dict[str, Any]:
    kept = (
        "contrast", "sweep", "model", "mix", "trained", "coordinates", "task", "metric", "k",
        "group", "value", "lo", "hi", "simultaneous_lo", "simultaneous_hi", "p_adjusted",
        "margin", "verdict", "n_items", "n_seeds", "label", "note",
    )  # fmt: skip
    return {name: getattr(row, name) for name in kept}
