"""Reports of complete experiments: read once, beside the work, kept with their experiment."""

import json
import threading
import time

import pytest

from clt_operator.api.profiles import Profiles
from clt_operator.api.step import Manifest
from clt_operator.drivers.cluster import reports as module
from clt_operator.drivers.cluster.reports import Reports
from clt_operator.store.artifacts import Artifacts
from clt_operator.store.file import FileStore

KEY, OTHER = "a" * 64, "b" * 64
CELL = ("lab", "study", "grid", "base", "all4", "400", "MR", "math_accuracy")
PLACE = {
    "sweep": "grid", "model": "base", "mix": "all4", "trained": "MR", "coordinates": "",
    "task": "MR", "metric": "math_accuracy", "k": 400,
}  # fmt: skip
SCORE = {
    **PLACE, "language": "ja", "role": "seen", "score": 0.5, "change": 0.125, "relative": 0.75,
    "answers": 200, "failed": 20, "told": 100, "wrong_language": 5,
}  # fmt: skip
GROUPS = [{**PLACE, "quantity": q, "value": v} for q, v in (("seen", 0.5), ("gap", 0.25))]
SUMMARY = {"title": "t", "scores": [SCORE], "quantities": GROUPS, "left_out": 0, "new": 1}


class Stores:
    """One store, which may be away."""

    def __init__(self, artifacts):
        self.artifacts, self.away, self.opened = artifacts, False, 0

    def open(self, settings):
        self.opened += 1
        if self.away:
            raise OSError("no route to host")
        return self.artifacts


@pytest.fixture
def artifacts(tmp_path):
    return Artifacts(FileStore(tmp_path / "store"))


@pytest.fixture
def commit(artifacts, tmp_path):
    def one(key=KEY, summary=SUMMARY):
        folder = tmp_path / key[:4]
        folder.mkdir(exist_ok=True)
        (folder / "summary.json").write_text(
            summary if isinstance(summary, str) else json.dumps(summary)
        )
        claim = artifacts.claim(key, "pod:x", "2026-01-01T00:00:00Z")
        staged = artifacts.stage_outputs(claim, {"summary": folder})
        manifest = Manifest(key=key, kind="report", attempt=claim.attempt, outputs=staged)
        assert artifacts.commit(manifest)

    return one


@pytest.fixture
def stores(artifacts):
    return Stores(artifacts)


@pytest.fixture
def clock():
    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    return Clock()


@pytest.fixture
def reports(stores, clock):
    made = Reports(stores, clock=clock)
    yield made
    made.close()


@pytest.fixture
def complete(make_experiment):
    def one(name="study", key=KEY, **more):
        return make_experiment(name, phase="Complete", report=key, store="main", **more)

    return one


def profiles(**limits):
    return Profiles.model_validate({"stores": {"main": {"uri": "s3://b/p"}}, "limits": limits})


def settle(reports):
    """Waits until nothing is being read any more."""
    end = time.monotonic() + 20
    while any(held.reading for held in reports._held.values()) and time.monotonic() < end:
        threading.Event().wait(0.005)


def follow(reports, *items, **limits):
    reports.follow(items, profiles(**limits))
    settle(reports)


def test_every_series_of_a_report(reports, commit, complete, samples):
    commit()
    follow(reports, complete())
    assert samples(reports.text()) == {
        ("clt_report_info", "lab", "study"): 1,
        ("clt_report_left_out", "lab", "study"): 0,
        ("clt_report_score", *CELL, "ja", "seen"): 0.5,
        ("clt_report_score_change", *CELL, "ja", "seen"): 0.125,
        ("clt_report_relative_to_pivot", *CELL, "ja", "seen"): 0.75,
        ("clt_report_extraction_failures_ratio", *CELL, "ja", "seen"): 0.1,
        ("clt_report_wrong_language_ratio", *CELL, "ja", "seen"): 0.05,
        ("clt_report_seen_unseen_gap", *CELL): 0.25,
        ("clt_report_group_score", *CELL, "seen"): 0.5,
    }


def test_a_report_is_read_once(reports, stores, commit, complete):
    commit()
    for _ in range(3):
        follow(reports, complete())
    assert stores.opened == 1


def test_what_a_report_lacks_is_not_shown(reports, commit, complete, samples):
    bare = {**SCORE, "score": None, "change": None, "relative": None, "answers": 0, "told": 0}
    commit(summary={**SUMMARY, "scores": [bare], "quantities": []})
    follow(reports, complete())
    shown = {labels[0] for labels in samples(reports.text())}
    assert shown == {"clt_report_info", "clt_report_left_out"}


@pytest.mark.parametrize(
    "status", [{"phase": "Running", "report": KEY}, {"phase": "Complete", "report": OTHER}]
)
def test_a_report_goes_with_what_made_it_so(reports, commit, complete, samples, status):
    commit()
    commit(OTHER, {**SUMMARY, "scores": []})
    follow(reports, complete())
    changed = complete()
    changed["status"].update(status)
    follow(reports, changed)
    assert ("clt_report_score", *CELL, "ja", "seen") not in samples(reports.text())


def test_a_report_goes_with_its_experiment(reports, commit, complete, samples):
    commit()
    follow(reports, complete())
    reports.forget(("lab", "study"))
    assert samples(reports.text()) == {}


def test_a_store_that_is_away_leaves_what_is_known_and_is_asked_again_later(
    reports, stores, commit, complete, samples
):
    commit()
    follow(reports, complete())
    stores.away = True
    follow(reports, complete(), complete("second"))
    follow(reports, complete(), complete("second"))
    assert stores.opened == 2  # it is not asked at every look
    shown = [labels for labels in samples(reports.text()) if labels[0] == "clt_report_info"]
    assert shown == [("clt_report_info", "lab", "study")]
    assert reports.not_shown == 1
    stores.away = False
    reports.clock.now += module.PAUSE
    follow(reports, complete(), complete("second"))
    assert ("clt_report_info", "lab", "second") in samples(reports.text())


@pytest.mark.parametrize("summary", ["no json", '{"scores": [{"k": 1}]}', '{"scores": 3}'])
def test_a_summary_that_cannot_be_read_shows_nothing(reports, commit, complete, samples, summary):
    commit(summary=summary)
    follow(reports, complete())
    assert samples(reports.text()) == {}


def test_a_summary_that_is_too_large_is_not_fetched(
    reports, commit, complete, samples, monkeypatch
):
    monkeypatch.setattr(module, "MOST_BYTES", 10)
    commit()
    follow(reports, complete())
    assert samples(reports.text()) == {}


def test_promise_bounded_labels_at_most_so_many_runs_of_one_experiment(
    reports, commit, complete, samples
):
    many = [{**SCORE, "k": k, "language": code} for k in range(5) for code in ("en", "ja")]
    commit(summary={**SUMMARY, "scores": many})
    follow(reports, complete(), runsExposed=2)
    shown = {labels[6] for labels in samples(reports.text()) if labels[0] == "clt_report_score"}
    assert shown == {"0", "1"}


def test_promise_nothing_silent_what_of_a_report_does_not_show_is_counted(
    reports, commit, complete, samples
):
    """What the summary left out itself, and what is beyond the runs of an experiment."""
    many = [{**SCORE, "k": k, "language": code} for k in range(5) for code in ("en", "ja")]
    commit(summary={**SUMMARY, "scores": many, "left_out": 100})
    follow(reports, complete(), runsExposed=2)
    beyond = 3 * 2 + len(GROUPS)
    assert samples(reports.text())["clt_report_left_out", "lab", "study"] == 100 + beyond
    assert reports.not_shown == 0


def test_promise_bounded_labels_the_newest_reports_where_all_are_too_many(
    reports, commit, complete, samples, monkeypatch
):
    monkeypatch.setattr(module, "MOST_CELLS", 1)
    commit()
    ended = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
    follow(
        reports,
        complete("old", completionTime=ended[0]),
        complete("new", completionTime=ended[1]),
    )
    found = samples(reports.text())
    assert [labels[2] for labels in found if labels[0] == "clt_report_info"] == ["new"]
    assert found["clt_report_left_out", "lab", "new"] == 0
    assert found["clt_report_left_out", "lab", "old"] == 1 + len(GROUPS)
    assert reports.not_shown == 1


@pytest.fixture
def one_cell(monkeypatch):
    monkeypatch.setattr(module, "MOST_CELLS", 1)


@pytest.mark.usefixtures("one_cell")
def test_a_report_that_had_no_room_is_read_again_once_it_has(
    reports, stores, commit, complete, samples
):
    commit()
    old = complete("old", completionTime="2026-01-01T00:00:00Z")
    new = complete("new", completionTime="2026-01-02T00:00:00Z")
    for _ in range(3):
        follow(reports, old, new)
    assert stores.opened == 2
    follow(reports, old)
    found = samples(reports.text())
    assert found["clt_report_info", "lab", "old"] == 1
    assert (found["clt_report_left_out", "lab", "old"], reports.not_shown) == (0, 0)


def test_a_store_that_the_namespace_may_not_use_any_more_is_not_read(
    reports, stores, commit, complete, samples
):
    commit()
    reports.follow([complete()], Profiles())
    settle(reports)
    assert (stores.opened, samples(reports.text())) == (0, {})


def test_curves_that_no_label_tells_apart_are_told_apart_by_the_name_of_their_sweep(
    reports, commit, complete, samples
):
    rates = [{**SCORE, "coordinates": f"train.learningRate={rate}"} for rate in (1, 2)]
    tasks = [{**SCORE, "sweep": "joint", "trained": trained} for trained in ("MR", "TA")]
    commit(summary={**SUMMARY, "scores": [*rates, *tasks], "quantities": []})
    follow(reports, complete())
    sweeps = {labels[3] for labels in samples(reports.text()) if labels[0] == "clt_report_score"}
    assert sweeps == {
        "grid, train.learningRate=1",
        "grid, train.learningRate=2",
        "joint, trained=MR",
        "joint, trained=TA",
    }
