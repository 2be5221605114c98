"""The summary: small JSON with the headline, and every number that the operator shows."""

import json

import pytest

from clt_jobs.report import summary as module
from clt_jobs.report.step import report
from clt_operator.api.report_summary import FILE, ReportSummary

SMALL = {"seeds": 2, "items": 40, "ks": [0, 100, 400], "metrics": ("math_accuracy", "gold_margin")}


@pytest.fixture
def summarise(make_study, tmp_path):
    """The context of a report that was made, and the JSON of its summary."""

    def made(**fields):
        study = make_study(**{**SMALL, **fields})
        context = study.context(tmp_path / "report")
        report(study.params, context)
        return context, json.loads((context.out / "summary" / FILE).read_text())

    return made


def by(entries, **wanted):
    return [e for e in entries if all(getattr(e, name) == v for name, v in wanted.items())]


def test_the_summary_is_small_json_with_the_headline(summarise):
    context, summary = summarise()
    assert summary["missing"] == summary["left_out"] == 0
    assert [entry["contrast"] for entry in summary["contrasts"]] == ["more-data"]
    assert context.summary["cells"] == summary["cells"] == 2 * 8 * 7


def test_it_has_every_language_and_group_at_every_k_on_the_primary_metric(summarise):
    context, _ = summarise()
    text = (context.out / "summary" / FILE).read_text()
    summary = ReportSummary.model_validate_json(text)
    assert {s.k for s in summary.scores} == {q.k for q in summary.quantities} == {0, 100, 400}
    assert {q.quantity for q in summary.quantities} == {"rel", "seen", "unseen", "gap"}
    assert {s.metric for s in summary.scores} == {"math_accuracy"}
    languages = {s.language for s in summary.scores}
    assert len(summary.scores) == 3 * len(languages)
    assert {s.role for s in summary.scores} == {"pivot", "seen", "unseen"}


def test_change_and_ratio_are_those_of_the_scores_beside_them(summarise):
    _, found = summarise()
    summary = ReportSummary.model_validate(found)
    for score in summary.scores:
        base = by(summary.scores, k=0, language=score.language)[0]
        pivot = by(summary.scores, k=score.k, role="pivot")[0]
        assert score.relative == pytest.approx(score.score / pivot.score)
        expected = None if score.k == 0 else pytest.approx(score.score - base.score)
        assert score.change == expected
        assert score.answers == 2 * SMALL["items"]
        assert 0 <= score.failed <= score.answers


def test_a_scale_without_ratios_has_none(summarise):
    _, found = summarise(metrics=("gold_margin",))
    assert {entry["relative"] for entry in found["scores"]} == {None}


def test_what_is_missing_is_told_as_missing(summarise):
    _, found = summarise(missing=tuple((400, seed, "ja") for seed in (0, 1)))
    (entry,) = [e for e in found["scores"] if (e["k"], e["language"]) == (400, "ja")]
    assert (entry["score"], entry["change"], entry["answers"]) == (None, None, 0)


def test_what_does_not_fit_is_counted_and_the_ends_of_the_curves_come_first(summarise, monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 23)
    _, found = summarise()
    languages = {entry["language"] for entry in found["scores"]}
    assert len(found["scores"]) == 23
    ends = [entry for entry in found["scores"] if entry["k"] in (0, 400)]
    assert len(ends) == 2 * len(languages)
    assert found["left_out"] == 3 * len(languages) - 23


def test_what_is_beyond_the_bytes_that_are_read_is_counted(summarise, monkeypatch):
    _, whole = summarise()
    size = len(module.text_of(whole).encode())
    monkeypatch.setattr(module, "MOST_BYTES", size // 2)
    context, found = summarise()
    assert 0 < (context.out / "summary" / FILE).stat().st_size <= size // 2
    lists = ("contrasts", "scores", "quantities")
    missing = sum(len(whole[name]) - len(found[name]) for name in lists)
    assert found["left_out"] == missing > 0
    assert found["scores"]


def test_promise_nothing_silent_a_summary_has_as_many_entries_as_are_read():
    fields = ReportSummary.model_fields
    for name in ("scores", "quantities"):
        (bound,) = [m.max_length for m in fields[name].metadata if hasattr(m, "max_length")]
        assert bound == module.LARGEST
