"""Table ``dropped``: everything that is not in the numbers, or counts as wrong in them."""

from collections.abc import Iterator, Sequence

from clt_jobs.report.accounts import Accounts
from clt_jobs.report.curves import Arm, Curve
from clt_jobs.report.rows import DroppedRow
from clt_jobs.report.stating import arm_name

MISSING = "cell missing"
FAILED = "answer without an extractable result (counts as wrong)"
TRUNCATED = "answer cut at the length limit (counts as wrong)"
WRONG_LANGUAGE = "answer in another script than the language's (of those that could be told)"
UNPAIRED = "item left out: some run has no score for it"
PREPARE_DROPPED = "training row dropped"
PREPARE_TRUNCATED = "training row truncated"
REPEATED = "training row repeated"


def dropped_rows(curves: Sequence[Curve], accounts: Accounts) -> list[DroppedRow]:
    """All of them, in a fixed order; a cell that stands on several curves is listed once."""
    rows = {row: None for curve in curves for row in _of_curve(curve)}
    rows.update(dict.fromkeys(_of_accounts(accounts)))
    return sorted(rows, key=lambda row: (row.what, row.task, row.language, row.metric, row.where))


def _of_curve(curve: Curve) -> Iterator[DroppedRow]:
    task, metric = curve.place.task, curve.place.metric
    for (arm, seed, code), facts in curve.cells.items():
        where = where_of(curve, arm)
        if facts.missing:
            yield DroppedRow(
                MISSING, task, code, metric, f"{where}, seed {seed}", facts.missing, 1, None
            )
    for arm in curve.arms:
        where = where_of(curve, arm)
        for code in curve.languages:
            facts_here = [f for (a, _, c), f in curve.cells.items() if (a, c) == (arm, code)]
            of = sum(facts.n for facts in facts_here)
            told = sum(facts.told for facts in facts_here)
            for what, count, among in (
                (FAILED, sum(facts.failed for facts in facts_here), of),
                (TRUNCATED, sum(facts.truncated for facts in facts_here), of),
                (WRONG_LANGUAGE, sum(facts.wrong_language for facts in facts_here), told),
            ):
                if count:
                    yield DroppedRow(what, task, code, metric, where, "", count, among)
    for code, count in zip(curve.languages, curve.panel.unpaired, strict=True):
        if count:
            of = int(count) + int(curve.panel.items[curve.languages.index(code)])
            where = where_of(curve, None)
            yield DroppedRow(UNPAIRED, task, code, metric, where, "", int(count), of)


def where_of(curve: Curve, arm: Arm | None) -> str:
    """Sweep, model, mix and point, as one line."""
    place = curve.place
    parts = [place.sweep, place.model, place.mix, place.coordinates]
    if place.trained != place.task:
        parts.append(f"trained on {place.trained}")
    if arm is not None:
        parts.append(arm_name(arm))
    return ", ".join(part for part in parts if part)


def _of_accounts(accounts: Accounts) -> Iterator[DroppedRow]:
    for made in accounts.preparations:
        of = made.rows + sum(made.dropped.values())
        for reason, count in sorted(made.dropped.items()):
            if count:
                yield DroppedRow(
                    PREPARE_DROPPED, made.task, made.language, "", "", reason, count, of
                )
        if made.truncated:
            yield DroppedRow(
                PREPARE_TRUNCATED, made.task, made.language, "", "", "", made.truncated, of
            )
    for training, portions in sorted(accounts.mixtures.items()):
        for part in portions:
            if part.repeated:
                yield DroppedRow(
                    REPEATED,
                    part.task,
                    part.language,
                    "",
                    f"training {training[:12]}",
                    "the source was passed over more than once",
                    part.repeated,
                    part.samples,
                )
