"""Transfer: what the reports of complete experiments say, drawn against k.

The operator serves these gauges after the Jobs are gone; the report itself has the intervals and
the tests, which belong to no live chart.
"""

from charts.monitoring.board import EXPERIMENT, NAMESPACE, Row, board, choice, within
from charts.monitoring.curves import by_k, curves
from charts.monitoring.panels import HALF, Column, Query, number, table
from charts.monitoring.promql import latest, select
from clt_operator.api import telemetry as t

UID = "clt-transfer"
ONE = ("sweep", "model", "task", "metric")  # of each, one is looked at
CELL = within(f'{EXPERIMENT}, mix=~"$mix"', ONE, one=True)
WORST = 20


PLACE = ("namespace", "experiment")
REPORTS = latest(select(t.REPORT_INFO, NAMESPACE), PLACE)


def transfer() -> str:
    """The dashboard's JSON."""
    return board(
        UID,
        "CLT / Transfer",
        "Scores of complete experiments against the number of samples per language. Means over "
        "seeds; intervals and tests are in the report.",
        variables=[
            # Two namespaces may have an experiment of one name: the charts show one of them.
            choice("namespace", t.REPORT_INFO, "", everything=False),
            choice("experiment", t.REPORT_INFO, NAMESPACE, everything=False),
            *(
                choice(
                    label,
                    t.REPORT_SCORE,
                    within(EXPERIMENT, ONE[:place], one=True),
                    everything=False,
                )
                for place, label in enumerate(ONE)
            ),
            choice("mix", t.REPORT_SCORE, within(EXPERIMENT, ONE, one=True)),
        ],
        rows=[_scores(), _groups(), _faults()],
        since="now-1h",
    )


def cell(series: t.Series, *matchers: str) -> str:
    """Of the chosen cells."""
    return select(series, CELL, *matchers)


def _scores() -> Row:
    by = ("mix", "language")
    return Row(
        "Languages",
        [
            number(
                "Reports shown",
                "Complete experiments of the chosen namespace whose report is served here.",
                Query(f"count({REPORTS})"),
                unit="short",
                width=HALF,
            ),
            number(
                "Entries left out",
                "Entries of the chosen report that are beyond a bound and on no chart here. The "
                "report itself has them.",
                Query(latest(select(t.REPORT_LEFT_OUT, EXPERIMENT), PLACE), "{{experiment}}"),
                unit="short",
                width=HALF,
                bad_above=1,
            ),
            curves(
                "Score",
                "Mean score of each language against k, in the unit of the metric. Look at where "
                "a curve flattens: more samples bring nothing there.",
                by_k(cell(t.REPORT_SCORE), *by),
                unit="short",
                label="score",
            ),
            curves(
                "Change against the baseline",
                "Score less that of the baseline. Below zero, training on other languages hurt "
                "this one.",
                by_k(cell(t.REPORT_CHANGE), *by),
                unit="short",
                label="difference",
            ),
            curves(
                "Relative to the pivot",
                "Score of a language over that of the pivot at the same k. 1 is parity; metrics "
                "without a ratio scale have none.",
                by_k(cell(t.REPORT_RELATIVE), *by),
                unit="percentunit",
                label="share of the pivot's score",
            ),
            table(
                "Scores",
                "The same numbers: a row per mix, language and k.",
                {"mix": "Mix", "language": "Language", "role": "Role", "k": "k"},
                Column(
                    latest(cell(t.REPORT_SCORE), ("mix", "language", "role", "k")), "Score", "short"
                ),
                height=10,
            ),
        ],
    )


def _groups() -> Row:
    return Row(
        "Seen and unseen languages",
        [
            curves(
                "Seen and unseen",
                "Macro-means of the languages in the mix (seen) and of those that are not. "
                "Unseen rising with seen is transfer.",
                by_k(cell(t.REPORT_GROUP), "mix", "group"),
                unit="short",
                label="score",
            ),
            curves(
                "Gap",
                "Seen less unseen. A gap that grows with k means that what is learnt stays with "
                "the languages of the mix.",
                by_k(cell(t.REPORT_GAP), "mix"),
                unit="short",
                label="difference",
            ),
        ],
    )


def _faults() -> Row:
    labels = {
        "mix": "Mix",
        "k": "k",
        "language": "Language",
        "role": "Role",
    }
    by = (*labels,)
    return Row(
        "Answers that cannot be trusted",
        [
            curves(
                "Extraction failures",
                "Share of answers from which nothing could be read. Where it moves with k, part "
                "of the score is format, not skill.",
                by_k(cell(t.REPORT_FAILED), "mix", "language"),
                unit="percentunit",
                label="share of answers",
            ),
            curves(
                "Answers in another script",
                "Share of answers in another script than the language's, of those that could be "
                "told. High for unseen languages: the model answers in the pivot or in a language "
                "of the mix. A wrong language of the same script is not seen.",
                by_k(cell(t.REPORT_WRONG), "mix", "language"),
                unit="percentunit",
                label="share of answers",
            ),
            table(
                "Most extraction failures",
                f"The {WORST} worst cells.",
                labels,
                Column(
                    f"topk({WORST}, {latest(cell(t.REPORT_FAILED), by)})", "Share", "percentunit"
                ),
            ),
            table(
                "Most answers in another script",
                f"The {WORST} worst cells.",
                labels,
                Column(
                    f"topk({WORST}, {latest(cell(t.REPORT_WRONG), by)})", "Share", "percentunit"
                ),
            ),
        ],
    )
