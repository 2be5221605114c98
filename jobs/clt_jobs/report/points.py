"""Tables ``cells`` and ``points``: what was collected, and a score with interval per language."""

from clt_jobs.report.curves import Curve
from clt_jobs.report.rows import CellRow, PointRow
from clt_jobs.report.stating import finite, interval_fields, place_fields, refused_fields
from clt_jobs.statistics.arrays import Floats
from clt_jobs.statistics.refusal import Refused
from clt_jobs.statistics.simultaneous import simultaneous
from clt_jobs.statistics.variance import Estimate, Grid, estimate


def cell_rows(curve: Curve) -> list[CellRow]:
    """One row per arm, seed and language."""
    rows = []
    for (arm, seed), training in sorted(curve.trainings.items()):
        for code in curve.languages:
            facts = curve.cells[arm, seed, code]
            rows.append(
                CellRow(
                    **place_fields(curve, arm),
                    seed=seed,
                    language=code,
                    role=curve.roles[code],
                    training=training,
                    n=facts.n,
                    mean=None if facts.missing else facts.mean,
                    corpus_score=facts.corpus_score,
                    failed=facts.failed,
                    truncated=facts.truncated,
                    told=facts.told,
                    wrong_language=facts.wrong_language,
                    missing=facts.missing,
                )
            )
    return rows


def point_rows(curve: Curve, confidence: float) -> list[PointRow]:
    """One row per arm and language; intervals kept inside the metric's bounds."""
    rows = []
    for code in curve.languages:
        found = _estimates(curve, code, confidence)
        main = [found[i] for i in curve.main]
        band = simultaneous([f for f in main if isinstance(f, Estimate)], confidence)
        limits = iter(zip(band.lo, band.hi, strict=True))
        for index, made in enumerate(found):
            inside = isinstance(made, Estimate) and index in curve.main
            lo, hi = next(limits) if inside else (float("nan"), float("nan"))
            rows.append(_row(curve, index, code, made, (float(lo), float(hi))))
    return rows


def _estimates(curve: Curve, language: str, confidence: float) -> list[Estimate | Refused]:
    try:
        grid = curve.grid(language)
    except Refused as reason:
        return [reason] * len(curve.arms)
    return [_estimate(grid, curve.at(i), confidence) for i in range(len(curve.arms))]


def _estimate(grid: Grid, weights: Floats, confidence: float) -> Estimate | Refused:
    try:
        return estimate(grid, weights, confidence)
    except Refused as reason:
        return reason


def _row(
    curve: Curve, index: int, code: str, found: Estimate | Refused, band: tuple[float, float]
) -> PointRow:
    arm, scale = curve.arms[index], curve.scale
    cells = [f for (a, _, language), f in curve.cells.items() if (a, language) == (arm, code)]
    missing = [facts.missing for facts in cells if facts.missing]
    bounds = (scale.lo, scale.hi)
    stated = (
        interval_fields(found, bounds)
        if isinstance(found, Estimate)
        else refused_fields("; ".join(sorted(set(missing))) or str(found))
    )
    return PointRow(
        **place_fields(curve, arm),
        **stated,
        language=code,
        role=curve.roles[code],
        band_lo=finite(band[0], bounds),
        band_hi=finite(band[1], bounds),
        failed=sum(facts.failed for facts in cells),
        truncated=sum(facts.truncated for facts in cells),
        told=sum(facts.told for facts in cells),
        wrong_language=sum(facts.wrong_language for facts in cells),
        seeds_missing=len(missing),
    )
