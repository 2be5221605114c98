"""Table ``contrasts``: declared differences, each group and language of them, adjusted.

Families are fixed by the spec: the primary contrasts as declared, the other declared ones, the
same contrasts on secondary metrics, each of these against a control, and, per contrast and
curve, the details by group and language. A spec that declares none gets the largest k against
the baseline, marked as such.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from clt_jobs.report.curves import Curve
from clt_jobs.report.rows import ContrastRow
from clt_jobs.report.stating import (
    arm_name,
    finite,
    interval_fields,
    place_fields,
    refused_fields,
)
from clt_jobs.statistics.refusal import Refused
from clt_jobs.statistics.simultaneous import simultaneous
from clt_jobs.statistics.variance import Estimate, estimate
from clt_jobs.statistics.verdict import verdict
from clt_operator.api.kinds.report import Contrast

DETAIL_GROUPS = ("nonpivot", "seen", "unseen")
UNDECLARED = "largest k"
NOT_DECLARED = "not declared"


@dataclass(frozen=True, eq=False)
class _Asked:
    """One difference to estimate, before its family is known."""

    curve: Curve
    contrast: Contrast
    declared: bool
    arm: int
    reference: int | None
    group: str
    family: str
    found: Estimate | Refused


def contrast_rows(
    curves: Sequence[Curve], contrasts: Sequence[Contrast], baseline_k: int, confidence: float
) -> list[ContrastRow]:
    """All rows, in the order of contrasts, curves, references, groups."""
    asked = [
        one
        for contrast, declared in _wanted(curves, contrasts, baseline_k)
        for curve in curves
        if contrast.sweep in ("", curve.place.sweep)
        for one in _ask(curve, contrast, declared, baseline_k, confidence)
    ]
    families: dict[str, list[int]] = {}
    for index, one in enumerate(asked):
        families.setdefault(one.family, []).append(index)
    rows: list[ContrastRow | None] = [None] * len(asked)
    for members in families.values():
        made = _adjusted([asked[i] for i in members], confidence)
        for index, row in zip(members, made, strict=True):
            rows[index] = row
    return [row for row in rows if row is not None]


def _wanted(
    curves: Sequence[Curve], contrasts: Sequence[Contrast], baseline_k: int
) -> Iterator[tuple[Contrast, bool]]:
    if contrasts:
        yield from ((contrast, True) for contrast in contrasts)
        return
    largest: dict[str, int] = {}
    for curve in curves:
        best = max(curve.ks, default=baseline_k)
        largest[curve.place.sweep] = max(largest.get(curve.place.sweep, 0), best)
    for sweep, k in sorted(largest.items()):
        if k != baseline_k:
            yield Contrast(name=UNDECLARED, k=k, sweep=sweep), False


def _ask(
    curve: Curve, contrast: Contrast, declared: bool, baseline_k: int, confidence: float
) -> Iterator[_Asked]:
    """The contrast as declared, its details, and the same against every control."""
    arm = curve.arm("", contrast.k)
    if arm is None:
        return
    place = "/".join(str(part) for part in vars(curve.place).values() if part)
    references = [("", curve.arm("", baseline_k))]
    references += [(name, curve.arm(name, contrast.k)) for name in curve.controls]
    for control, reference in references:
        if control and reference is None:
            continue
        for group in _groups(curve, contrast):
            as_declared = group == contrast.languages
            family = f"{contrast.name}/{place}"
            if as_declared:
                family = _family(curve, contrast, declared)
            if control:
                family += f", against {control}"
            found = _estimate(curve, arm, reference, group, confidence)
            yield _Asked(
                curve,
                contrast,
                declared and as_declared and curve.primary,
                arm,
                reference,
                group,
                family,
                found,
            )


def _family(curve: Curve, contrast: Contrast, declared: bool) -> str:
    if not declared:
        return NOT_DECLARED
    if not curve.primary:
        return "secondary metrics"
    return "primary" if contrast.primary else "declared"


def _groups(curve: Curve, contrast: Contrast) -> list[str]:
    """The declared group first, then the others that have a language, then every language."""
    groups = [contrast.languages]
    groups += [g for g in DETAIL_GROUPS if g not in groups and curve.group(g)]
    return groups + [code for code in curve.languages if code not in groups]


def _estimate(
    curve: Curve, arm: int, reference: int | None, group: str, confidence: float
) -> Estimate | Refused:
    if reference is None:
        return Refused("the baseline is not among the points")
    if reference == arm:
        return Refused("the point is the baseline itself")
    try:
        return estimate(curve.grid(group), curve.against(arm, reference), confidence)
    except Refused as reason:
        return reason


def _adjusted(asked: Sequence[_Asked], confidence: float) -> Iterator[ContrastRow]:
    """Rows of one family with adjusted p and simultaneous limits."""
    made = [one.found for one in asked if isinstance(one.found, Estimate)]
    family = simultaneous(made, confidence)
    limits = iter(zip(family.p, family.lo, family.hi, strict=True))
    for one in asked:
        if isinstance(one.found, Refused):
            yield _row(one, refused_fields(str(one.found)))
            continue
        p, lo, hi = (finite(float(value)) for value in next(limits))
        yield replace(
            _row(one, interval_fields(one.found)),
            p=finite(one.found.p),
            p_adjusted=p,
            simultaneous_lo=lo,
            simultaneous_hi=hi,
            method=family.method if len(made) > 1 else "",
            verdict=verdict(lo, hi, one.contrast.margin),
        )


def _row(one: _Asked, fields: dict[str, object]) -> ContrastRow:
    curve = one.curve
    return ContrastRow(
        **place_fields(curve, curve.arms[one.arm]),
        **fields,  # type: ignore[arg-type]
        contrast=one.contrast.name,
        declared=one.declared,
        primary=one.declared and one.contrast.primary,
        family=one.family,
        reference="" if one.reference is None else arm_name(curve.arms[one.reference]),
        group=one.group,
        languages=" ".join(curve.languages[i] for i in curve.group(one.group)),
        p=None,
        p_adjusted=None,
        simultaneous_lo=None,
        simultaneous_hi=None,
        method="",
        margin=one.contrast.margin,
        verdict=verdict(None, None),
    )
