"""One self-contained HTML page from the results: no scripts, no links, no dates.

This module prepares what the template shows; the template escapes everything that is not one of
our own SVG figures.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from clt_jobs.report import wording
from clt_jobs.report.cautions import cautions
from clt_jobs.report.curves import Curve
from clt_jobs.report.figures import effect_figure, language_figure, summary_figure
from clt_jobs.report.results import CurveRows, Results
from clt_jobs.report.rows import ContrastRow, PointRow
from clt_jobs.report.scales import scale_of
from clt_jobs.statistics.coverage import Coverage, Design, simulate

COVERAGE_SIMULATIONS = 400


@dataclass(frozen=True, eq=False)
class Section:
    """One curve on the page."""

    anchor: str
    title: str
    subtitle: str
    metric: str
    unit: str
    digits: int
    primary: bool
    ratio: bool
    languages: Markup
    summary: Markup
    effects: Markup
    effect_title: str
    ends: tuple["EndRow", ...]
    facts: tuple[tuple[str, str], ...]
    rows: CurveRows
    controls: tuple[str, ...]
    untrained: bool


@dataclass(frozen=True)
class EndRow:
    """A language from the baseline to the largest k."""

    language: str
    role: str
    first: str
    last: str
    change: str
    limits: str
    n: str


def render_page(results: Results, key: str, progress: Callable[[int, int], None]) -> str:
    """The page. ``key`` is the step's own; equal results give equal bytes."""
    environment = Environment(
        loader=PackageLoader("clt_jobs.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=wording.number, p=wording.p_value, scale=scale_of, count=wording.count
    )
    environment.globals.update(interval=wording.interval)
    sections = []
    for done, curve in enumerate(results.curves):
        progress(done, len(results.curves))
        sections.append(_section(results, curve, f"c{done}"))
    found = cautions(results)
    page: str = environment.get_template("report.html.j2").render(
        results=results,
        params=results.params,
        design=wording.design(results),
        headline=results.headline,
        declared=any(row.declared for row in results.headline),
        serious=[caution for caution in found if caution.serious],
        notes=[caution for caution in found if not caution.serious],
        sections=sections,
        multiples=_numbers(results),
        mixtures=_mixtures(results),
        coverage=_coverage(results),
        trainings=_trainings(results),
        key=key,
        parameters=_parameters(results),
    )
    return page


def _section(results: Results, curve: Curve, anchor: str) -> Section:
    rows, place = results.of(curve), curve.place
    shown = _effects(rows)
    label = " ".join(str(part) for part in vars(place).values() if part)
    digits = curve.scale.digits
    contrast = f"{shown[0].contrast}: k={shown[0].k}" if shown else ""
    roles = dict(curve.roles)
    return Section(
        anchor=anchor,
        title=f"{place.task} · {place.model} · {place.mix}",
        subtitle=_subtitle(curve),
        metric=place.metric,
        unit=curve.scale.unit or "unit not known",
        digits=digits,
        primary=curve.primary,
        ratio=curve.scale.ratio,
        languages=_safe(language_figure(curve, rows, f"{label}: score against k per language"))
        if curve.primary
        else Markup(),
        summary=_safe(
            summary_figure(curve, rows, f"{label}: seen and unseen", small=not curve.primary)
        ),
        effects=_safe(effect_figure(shown, roles, f"{label}: {contrast}"))
        if curve.primary and shown
        else Markup(),
        effect_title=contrast,
        ends=_ends(results, curve, rows) if curve.primary else (),
        facts=_facts(rows, digits),
        rows=rows,
        controls=curve.controls,
        untrained=curve.untrained is not None,
    )


def _safe(svg: str) -> Markup:
    """Our own figure; labels inside were escaped by matplotlib's writer."""
    return Markup(svg)  # noqa: S704


def _subtitle(curve: Curve) -> str:
    place = curve.place
    parts = [f"sweep {place.sweep}"]
    if place.trained != place.task:
        parts.append(f"trained on {place.trained}")
    if place.coordinates:
        parts.append(place.coordinates)
    return ", ".join(parts)


def _effects(rows: CurveRows) -> list[ContrastRow]:
    """The first primary contrast against the baseline (else the first), all its groups."""
    own = [r for r in rows.contrasts if r.reference.startswith("k=") and r.value is not None]
    chosen = next((r for r in own if r.primary), own[0] if own else None)
    return [r for r in own if chosen and r.contrast == chosen.contrast]


def _ends(results: Results, curve: Curve, rows: CurveRows) -> tuple[EndRow, ...]:
    """Scores at the baseline and at the contrast's point, with the change."""
    digits, found = curve.scale.digits, []
    effects = {row.group: row for row in _effects(rows)}
    last = next(iter(effects.values())).k if effects else max(curve.ks)
    for code in curve.languages:
        first_row = rows.point("", results.params.baseline_k, code)
        last_row = rows.point("", int(last or 0), code)
        effect = effects.get(code)
        found.append(
            EndRow(
                language=code,
                role=curve.roles[code],
                first=_score(first_row, digits),
                last=_score(last_row, digits),
                change=wording.number(effect.value if effect else None, digits, sign=True),
                limits=wording.interval(
                    effect.simultaneous_lo if effect else None,
                    effect.simultaneous_hi if effect else None,
                    digits,
                    sign=True,
                ),
                n=f"{last_row.n_items} × {last_row.n_seeds}" if last_row else wording.NONE,
            )
        )
    return tuple(found)


def _score(row: PointRow | None, digits: int) -> str:
    return wording.number(row.value if row else None, digits)


def _facts(rows: CurveRows, digits: int) -> tuple[tuple[str, str], ...]:
    """What is said about the curve as a whole, with caveats."""
    facts = []
    names = {
        "gain": "gain (max of rel − rel at baseline)",
        "gain_under_no_effect": "expected gain if nothing happened",
        "peak": "peak of the non-pivot mean",
        "spearman": "Spearman of seen and unseen",
        "spearman_given_k": "the same given k",
        "plateau_nonpivot": "plateau, non-pivot",
        "plateau_seen": "plateau, seen",
        "plateau_unseen": "plateau, unseen",
    }
    for name, title in names.items():
        row = rows.whole(name)
        if row is None:
            continue
        of = f", n = {row.n} {row.unit}" if name.startswith("spearman") else ""
        shown = 0 if name.startswith("plateau") else 2 if of else 3 if "gain" in name else digits
        value = wording.number(row.value, shown) + of if row.value is not None else ""
        facts.append((title, "; ".join(part for part in (value, row.note) if part)))
    return tuple(facts)


def _numbers(results: Results) -> list[tuple[str, Sequence[PointRow]]]:
    """Every point of every curve, by curve."""
    return [
        (" · ".join(str(part) for part in vars(curve.place).values() if part), rows.points)
        for curve in results.curves
        for rows in [results.of(curve)]
    ]


def _mixtures(results: Results) -> list[dict[str, Any]]:
    """What the trainings were made of: the first seed of every point, once."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    for curve in results.curves:
        place = curve.place
        for arm in curve.arms:
            name = (place.sweep, place.model, place.mix, place.trained, arm)
            training = next((t for (a, _), t in curve.trainings.items() if a == arm), "")
            portions = results.accounts.mixtures.get(training.partition("~")[0])
            if portions is None or name in rows:
                continue
            rows[name] = {
                "place": ", ".join(part for part in name[:4]),
                "control": arm.control,
                "k": arm.k,
                "parts": " ".join(f"{p.language} {p.samples:,}" for p in portions),
                "samples": sum(p.samples for p in portions),
                "tokens": sum(p.tokens for p in portions),
                "supervised": sum(p.supervised_tokens for p in portions),
                "repeated": sum(p.repeated for p in portions),
            }
    return list(rows.values())


def _coverage(results: Results) -> tuple[Design, Coverage] | None:
    """Simulated coverage at this study's items, seeds and points (binary, assumed seed noise)."""
    curve = next(
        (c for c in results.curves if c.primary and c.main and c.panel.items.max() > 1), None
    )
    if curve is None:
        return None
    design = Design(
        items=int(curve.panel.items.max()),
        seeds=max(1, min(len(curve.seeds), 5)),
        arms=max(2, len(curve.main)),
    )
    return design, simulate(design, COVERAGE_SIMULATIONS, results.params.confidence)


def _trainings(results: Results) -> list[dict[str, Any]]:
    rows = {
        (p.sweep, p.model, p.mix, p.task, p.control, p.k, p.seed): p.training
        for p in results.params.points
    }
    names = ("sweep", "model", "mix", "task", "control", "k", "seed")
    return [
        {**dict(zip(names, place, strict=True)), "training": key[:16]}
        for place, key in rows.items()
    ]


def _parameters(results: Results) -> str:
    """The step's parameters but for the points, which have a table."""
    shown = results.params.model_dump(mode="json", exclude={"points"})
    return json.dumps(shown, indent=1, ensure_ascii=False)
