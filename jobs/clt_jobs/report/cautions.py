"""What a reader must know before believing a number: found in the design and in the data."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from clt_jobs.report.curves import Curve
from clt_jobs.report.dropped import MISSING
from clt_jobs.report.results import Results
from clt_jobs.report.rows import ContrastRow
from clt_jobs.statistics.signflip import smallest_p
from clt_jobs.statistics.variance import ITEMS_ONLY, NO_VARIATION, OWN

MACHINE = "machine"
OFTEN = 0.1  # share of answers in a wrong language that is said above the results


@dataclass(frozen=True)
class Caution:
    """``serious`` ones stand above the results, the others below."""

    title: str
    text: str
    serious: bool = False


def cautions(results: Results) -> list[Caution]:
    """All that apply, serious ones first, each once."""
    found = dict.fromkeys(
        caution
        for source in (
            _missing,
            _unanswered,
            _seeds,
            _controls,
            _provenance,
            _scales,
            _extractors,
            _languages,
            _tests,
        )
        for caution in source(results)
    )
    return sorted(found, key=lambda caution: not caution.serious)


def _missing(results: Results) -> Iterator[Caution]:
    missing = [row for row in results.dropped if row.what == MISSING]
    if missing:
        codes = ", ".join(sorted({row.language for row in missing}))
        yield Caution(
            "Cells are missing",
            f"{len(missing)} cells have no scores (languages: {codes}). Averages over a group "
            "that lacks a language are refused, never taken over what is there.",
            serious=True,
        )


def _unanswered(results: Results) -> Iterator[Caution]:
    answered = {row.contrast for row in results.contrasts}
    for contrast in results.params.contrasts:
        if contrast.name not in answered:
            where = f"sweep {contrast.sweep}" if contrast.sweep else "any sweep"
            yield Caution(
                "A declared contrast has no point",
                f"{contrast.name}: k={contrast.k} is not a point of {where}.",
                serious=True,
            )


def _seeds(results: Results) -> Iterator[Caution]:
    trained = [curve for curve in results.curves if curve.main]
    single = [c for c in trained if all(_seeds_at(c, i) < 2 for i in c.main)]
    if single:
        scope = "" if len(single) == len(trained) else f" on {len(single)} of {len(trained)} curves"
        yield Caution(
            "One seed: items only",
            f"With one training per point{scope}, intervals cover the choice of items, not the "
            "luck of a training. They are too narrow as statements about the method, and are "
            f'labelled "{ITEMS_ONLY}".',
            serious=True,
        )
    if results.params.subset == "fixed":
        yield Caution(
            "One training subset",
            "Every seed trains on the same rows, so the claims are about those rows.",
        )
    own = [row for row in results.contrasts if row.label == OWN]
    if own:
        yield Caution(
            "Training noise differs between points",
            f"In {len(own)} contrasts seeds spread more than the pooled seed variance explains; "
            "these use their own, with fewer degrees of freedom.",
        )
    flat = [row for row in results.contrasts if row.label == NO_VARIATION]
    if flat:
        yield Caution(
            "Nothing varied",
            f"In {len(flat)} contrasts no item changed (a language at the floor or the "
            "ceiling): there is no interval, and no claim.",
        )


def _seeds_at(curve: Curve, index: int) -> int:
    return sum(1 for arm, _ in curve.trainings if arm == curve.arms[index])


def _controls(results: Results) -> Iterator[Caution]:
    """Where data grow with k, another curve of a fixed budget is a control as well."""
    growing = [curve for curve in results.curves if _grows(curve, results)]
    fixed = len(growing) < len(results.curves)
    if growing and not fixed and not any(curve.controls for curve in results.curves):
        yield Caution(
            "More data, not only other data",
            "Total data and optimiser steps grow with k, and no control (pivot only at the same "
            "size, equal steps, fixed budget) was run: a gain may come from training more.",
            serious=True,
        )


def _grows(curve: Curve, results: Results) -> bool:
    """Whether its runs, controls apart, were trained on more samples at a larger k."""
    sizes: dict[int, int] = {}
    for (arm, _), training in curve.trainings.items():
        portions = results.accounts.mixtures.get(training.partition("~")[0])
        if portions and arm.control == "":
            sizes[arm.k] = max(sizes.get(arm.k, 0), sum(p.samples for p in portions))
    return len(set(sizes.values())) > 1


def _provenance(results: Results) -> Iterator[Caution]:
    for curve in results.curves:
        stated = curve.task.provenance
        kinds = {
            role: Counter(
                stated.get(code, "") for code in curve.languages if curve.roles[code] == role
            )
            for role in ("seen", "unseen")
        }
        seen, unseen = (_share(kinds[role]) for role in ("seen", "unseen"))
        if seen is not None and unseen is not None and abs(seen - unseen) >= 0.5:
            yield Caution(
                "Translation provenance aligns with seen and unseen",
                f"{curve.place.task}: {seen:.0%} of the seen and {unseen:.0%} of the unseen "
                "languages have machine-translated test items: a gap may be one of translation.",
                serious=True,
            )
        elif stated == {} and len(curve.languages) > 1:
            yield Caution(
                "Provenance of the test items is not stated",
                f"{curve.place.task}: whether items were written, post-edited or machine "
                "translated per language is not in the spec.",
            )


def _share(kinds: Counter[str]) -> float | None:
    """Share of machine-translated languages, None where nothing is stated."""
    known = sum(count for kind, count in kinds.items() if kind)
    return kinds[MACHINE] / known if known else None


def _scales(results: Results) -> Iterator[Caution]:
    for curve in results.curves:
        name, scale = curve.place.metric, curve.scale
        if not scale.ratio:
            yield Caution(
                f"{name} has no zero",
                f"{name} ({scale.unit or 'unit not known'}) is on an interval scale: ratios to "
                "the pivot and gains of ratios are refused; read the differences.",
            )
        elif not scale.across:
            yield Caution(
                f"{name} is not comparable between languages",
                f"Levels, ratios and gaps of {name} between languages are not ability: only "
                "changes within a language are.",
                serious=curve.primary,
            )


def _extractors(results: Results) -> Iterator[Caution]:
    """A claim whose sign changes with the metric is no claim."""
    primary = {_claim(row): row for row in results.contrasts if row.primary_metric}
    for row in results.contrasts:
        main = primary.get(_claim(row))
        if row.primary_metric or main is None or row.lo is None or row.hi is None:
            continue
        if main.lo is None or main.hi is None:
            continue
        if (main.lo > 0 and row.hi < 0) or (main.hi < 0 and row.lo > 0):
            yield Caution(
                "A sign changes with the metric",
                f"{row.task}, {row.contrast}, {row.group}: {main.metric} and {row.metric} point "
                "in opposite directions.",
                serious=True,
            )


def _languages(results: Results) -> Iterator[Caution]:
    """A wrong-language answer is not a weak answer; and letters tell only scripts apart."""
    points = [row for row in results.points if row.primary_metric]
    told, wrong = sum(row.told for row in points), sum(row.wrong_language for row in points)
    if wrong:
        often = {row.language for row in points if row.wrong_language > OFTEN * row.told}
        where = f" More than {OFTEN:.0%} at a point: {', '.join(sorted(often))}." if often else ""
        yield Caution(
            "Answers in a wrong language",
            f"{wrong:,} of {told:,} answers are in another script than their language's; their "
            f"scores are what the metric says.{where} Languages of one script are not told apart, "
            "so there may be more.",
            serious=bool(often),
        )


def _claim(row: ContrastRow) -> tuple[object, ...]:
    return (
        row.sweep,
        row.model,
        row.mix,
        row.trained,
        row.coordinates,
        row.task,
        row.control,
        row.k,
        row.contrast,
        row.reference,
        row.group,
    )


def _tests(results: Results) -> Iterator[Caution]:
    alpha = 1 - results.params.confidence
    for curve in results.curves:
        for group in ("seen", "unseen"):
            n = len(curve.group(group))
            if n > 1 and smallest_p(n) > alpha:
                yield Caution(
                    "No test over languages",
                    f"A sign-flip test over {n} {group} languages cannot go below "
                    f"p = {smallest_p(n):.2g}, so none is made: languages are fixed, inference "
                    "is to new items and new trainings.",
                )
