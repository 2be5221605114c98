"""A finished study: applied again it does nothing, changed it does only what is new, and all
that is known of it can be asked for."""

import copy
import json
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

pytestmark = pytest.mark.xdist_group("finished-study")


@pytest.fixture
def data(finished):
    return copy.deepcopy(finished.data)


def test_apply_prints_where_the_page_is_and_what_to_do_next(finished):
    done = finished.apply()
    page = Path(done.out.strip())
    assert page.name == "report.html"
    assert "<html" in page.read_text(encoding="utf-8")
    assert done.err.splitlines()[-1] == (
        f"next: cltctl report quickstart --open --store {finished.store}"
    )


def test_a_second_apply_executes_no_step_and_writes_nothing(finished, capsys):
    before = finished.objects()
    begun = time.perf_counter()
    done = finished.apply()
    with capsys.disabled():
        print(f" [second apply: {time.perf_counter() - begun:.2f} s]", end="")
    assert done.code == 0
    assert "0 steps executed" in done.err
    assert finished.objects() == before


def test_every_step_was_committed_once(finished):
    artifacts = finished.artifacts
    steps = finished.steps()
    assert {row["phase"] for row in steps.values()} == {"done"}
    assert {row["attempts"] for row in steps.values()} == {1}
    assert artifacts.committed() == set(steps)


def new_steps(finished, data):
    """The steps that a changed study adds, by key; it is applied and must end well."""
    before = finished.artifacts.committed()
    done = finished.apply(data)
    assert done.code == 0, done.err
    rows = finished.steps()
    new = finished.artifacts.committed() - before
    assert f"{len(new)} steps executed" in done.err
    return [rows[key] for key in new]


def test_one_more_language_computes_only_its_cells(finished, data):
    data["spec"]["languages"]["evaluate"].append("pt")
    new = new_steps(finished, data)
    models = 3  # two runs and the untrained model
    assert Counter(row["kind"] for row in new) == {
        "fetch": 1,
        "derive": 1,
        "generate": models,
        "score": models,
        "collect": 1,
        "report": 1,
    }
    assert {row["language"] for row in new if row["kind"] not in ("collect", "report")} == {"pt"}


def test_one_hyper_parameter_recomputes_only_what_depends_on_it(finished, data):
    data["spec"]["train"]["learningRate"] = 2.0e-3
    new = new_steps(finished, data)
    runs, languages = 2, 4
    assert Counter(row["kind"] for row in new) == {
        "train": runs,  # not the stage, which has its own rate
        "generate": runs * languages,
        "score": runs * languages,
        "collect": 1,
        "report": 1,
    }


def test_the_first_study_is_still_whole_after_the_others(finished):
    done = finished.apply()
    assert "0 steps executed" in done.err


# what can be asked


def test_get_and_describe_in_every_form(finished):
    finished.apply()
    (shown,) = json.loads(finished.run("get", "experiments", "-o", "json").out)
    assert (shown["name"], shown["phase"], shown["failed"]) == ("quickstart", "Complete", 0)
    described = yaml.safe_load(finished.run("describe", "quickstart", "-o", "yaml").out)
    assert described["phase"] == "complete"
    assert described["report"].startswith(shown["report"])
    train = next(row for row in finished.steps().values() if row["kind"] == "train")
    step = json.loads(finished.run("describe", "quickstart", train["key"], "-o", "json").out)
    assert step["committed"]
    assert {"checkpoint/last", "checkpoint/selected", "metrics"} <= set(step["outputs"])
    assert [attempt["outcome"] for attempt in step["attempts"]] == ["committed"]
    assert "checkpoint/last" in finished.run("describe", "quickstart", train["name"]).out


def test_logs_of_finished_steps(finished):
    done = finished.run("logs", "quickstart", "--all", "--kind", "train")
    assert done.code == 0
    assert done.out.count("==> train") == 3
    assert finished.run("logs", "quickstart").out == ""


def test_report_writes_page_tables_and_summary(finished, tmp_path):
    target = tmp_path / "out"
    done = finished.run("report", "quickstart", "--to", target)
    assert done.out.strip() == str(target / "report.html")
    assert (target / "report.html").stat().st_size > 10_000
    assert pq.read_table(target / "cells.parquet").num_rows == 3 * 4
    assert json.loads((target / "summary.json").read_text())
    again = finished.run("report", "quickstart", "--to", target)
    assert again.code == 0, "a report may be written over an older one"


def test_report_writes_one_part(finished, tmp_path):
    done = finished.run("report", "quickstart", "--to", tmp_path / "out", "--part", "summary")
    assert done.out.strip() == str(tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["summary.json"]
