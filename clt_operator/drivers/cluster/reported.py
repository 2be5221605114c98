"""What reports say, as samples: scores of languages and groups at every k. Pure.

Numbers that a report does not have give no sample. Two curves that the labels do not tell apart
(of another trained task, of further axes) get that into the name of their sweep.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from clt_operator.api import telemetry
from clt_operator.api.report_summary import GroupScore, LanguageScore, ReportSummary
from clt_operator.drivers.cluster.exposing import Place
from clt_operator.drivers.cluster.families import Family

GROUPS = ("seen", "unseen")

Names = Mapping[tuple[str, str, str], str]  # by sweep, trained task, further axes


def bounded(summary: ReportSummary, runs: int) -> ReportSummary:
    """At most so many runs, that is points of curves, the first of them; the rest is counted."""
    kept: dict[tuple[object, ...], None] = {}
    for score in summary.scores:
        if len(kept) < runs:
            kept.setdefault(_run(score))
    scores = [s for s in summary.scores if _run(s) in kept]
    quantities = [q for q in summary.quantities if _run(q) in kept]
    before, after = len(summary.scores) + len(summary.quantities), len(scores) + len(quantities)
    left_out = summary.left_out + before - after
    return summary.model_copy(
        update={"scores": scores, "quantities": quantities, "left_out": left_out}
    )


def _run(entry: LanguageScore | GroupScore) -> tuple[object, ...]:
    return (*_curve(entry), entry.k)


def _curve(entry: LanguageScore | GroupScore) -> tuple[str, ...]:
    return entry.sweep, entry.model, entry.mix, entry.trained, entry.coordinates


def sweep_names(entries: Iterable[LanguageScore | GroupScore]) -> Names:
    """The name of a curve's sweep, with what tells it from the other curves of that sweep."""
    curves: dict[str, list[tuple[str, str]]] = defaultdict(list)
    seen: dict[tuple[str, ...], set[tuple[str, str]]] = defaultdict(set)
    for entry in entries:
        what = (entry.trained, entry.coordinates)
        curves[entry.sweep].append(what)
        seen[entry.sweep, entry.model, entry.mix, entry.task].add(what)
    alike = {sweep for (sweep, *_), found in seen.items() if len(found) > 1}
    names = {}
    for sweep, found in curves.items():
        several = len({trained for trained, _ in found}) > 1
        for trained, coordinates in set(found):
            more = [coordinates, f"trained={trained}" if several else ""] if sweep in alike else []
            names[sweep, trained, coordinates] = ", ".join(part for part in (sweep, *more) if part)
    return names


def families(reports: Iterable[tuple[Place, ReportSummary]]) -> Iterator[Family]:
    """Every series of reports."""
    info, score = Family(telemetry.REPORT_INFO), Family(telemetry.REPORT_SCORE)
    change, relative = Family(telemetry.REPORT_CHANGE), Family(telemetry.REPORT_RELATIVE)
    failed, wrong = Family(telemetry.REPORT_FAILED), Family(telemetry.REPORT_WRONG)
    gap, group = Family(telemetry.REPORT_GAP), Family(telemetry.REPORT_GROUP)
    for place, summary in reports:
        info.add(place, 1)
        names = sweep_names([*summary.scores, *summary.quantities])
        for row in summary.scores:
            labels = [*_cell(place, row, names), row.language, row.role]
            _add(score, labels, row.score)
            _add(change, labels, row.change)
            _add(relative, labels, row.relative)
            _add(failed, labels, row.failed / row.answers if row.answers else None)
            _add(wrong, labels, row.wrong_language / row.told if row.told else None)
        for entry in summary.quantities:
            labels = _cell(place, entry, names)
            if entry.quantity == "gap":
                _add(gap, labels, entry.value)
            elif entry.quantity in GROUPS:
                _add(group, [*labels, entry.quantity], entry.value)
    yield from (info, score, change, gap, group, relative, failed, wrong)


def _cell(place: Place, entry: LanguageScore | GroupScore, names: Names) -> list[str]:
    """As ``telemetry.CELL``."""
    sweep = names[entry.sweep, entry.trained, entry.coordinates]
    return [*place, sweep, entry.model, entry.mix, str(entry.k), entry.task, entry.metric]


def _add(to: Family, labels: list[str], value: float | None) -> None:
    if value is not None:
        to.add(labels, value)
