"""get, describe, logs, retry and report: what is known of an experiment, from the store alone."""

import json

import pytest
import yaml
from support.commands import cltctl


def test_an_unknown_experiment_lists_those_there_are(applied):
    for words in (["describe"], ["logs"], ["report"], ["retry"], ["get", "runs"]):
        done = cltctl(*words, "smal")
        assert (done.code, done.out) == (1, "")
        assert done.err == (
            f"error: no experiment 'smal' in namespace default of {applied.artifacts.store.uri}: "
            "it has small\n"
        )


def test_an_empty_store_says_so(tmp_path):
    done = cltctl("describe", "x", "--store", tmp_path / "new")
    assert done.err.endswith("it has none yet\n")
    assert not (tmp_path / "new").exists()


def test_get_experiments(applied):
    table = cltctl("get", "experiments").out.splitlines()
    assert [line.split() for line in table] == [
        ["NAME", "PHASE", "DONE", "FAILED", "REPORT"],
        ["small", "Incomplete", f"0/{len(applied.steps)}", "0"],
    ]
    assert cltctl("get", "experiments", "-o", "name").out == "experiment/small\n"
    assert json.loads(cltctl("get", "experiments", "-o", "json").out)[0]["name"] == "small"
    assert cltctl("get", "experiments", "-n", "other").out.split() == table[0].split()


def test_get_steps_tells_what_became_of_each(applied):
    done, tried = [s for s in applied.steps if s.kind == "fetch"][:2]
    applied.end(done, "committed")
    applied.end(tried, "transient", "the network")
    rows = {
        row["key"]: row for row in json.loads(cltctl("get", "steps", "small", "-o", "json").out)
    }
    assert len(rows) == len(applied.steps)
    assert (rows[done.key]["phase"], rows[done.key]["attempts"]) == ("done", 1)
    assert (rows[tried.key]["phase"], rows[tried.key]["attempts"]) == ("ready", 1)
    assert rows[applied.steps[-1].key]["phase"] == "pending"
    applied.end(tried, "input-at-fault", "bad rows")
    phases = {row["phase"] for row in json.loads(cltctl("get", "steps", "small", "-o", "json").out)}
    assert phases == {"done", "ready", "failed", "blocked"}
    only = cltctl("get", "steps", "small", "--kind", "fetch", "-o", "name").out.split()
    assert only == [f"step/{s.key[:16]}" for s in applied.steps if s.kind == "fetch"]


def test_get_steps_shows_what_tells_them_apart(applied):
    table = [line.split() for line in cltctl("get", "steps", "small").out.splitlines()]
    assert table[0][:2] == ["NAME", "KIND"]
    assert {"K", "SEED", "METRIC", "LANGUAGE"} <= set(table[0])
    fetched = cltctl("get", "steps", "small", "--kind", "fetch").out.splitlines()[0].split()
    assert {"K", "SEED", "METRIC"}.isdisjoint(fetched)
    scores = json.loads(cltctl("get", "steps", "small", "--kind", "score", "-o", "json").out)
    told = {tuple(row[n] for n in ("model", "k", "seed", "metric", "language")) for row in scores}
    assert len(told) == len(scores) > 1


def test_get_runs(applied):
    table = [line.split() for line in cltctl("get", "runs", "small").out.splitlines()]
    assert table[0] == ["NAME", "SWEEP", "MODEL", "TASK", "MIX", "K", "SEED", "PHASE"]
    assert [row[1:] for row in table[1:]] == [
        ["s", "m", "t", "two", k, "0", "pending"] for k in ("0", "10", "20")
    ]
    applied.end(applied.first("train"), "committed")
    rows = yaml.safe_load(cltctl("get", "runs", "small", "-o", "yaml").out)
    assert [row["phase"] for row in rows] == ["done", "pending", "pending"]


def test_get_wants_a_name_where_it_needs_one(applied):
    done = cltctl("get", "steps")
    assert (done.code, done.err) == (2, "error: name the experiment: cltctl get steps NAME\n")


def test_describe_an_experiment(applied):
    step = applied.first("fetch", language="en")
    for _ in range(3):
        applied.end(step, "failed", "no rows in en")
    found = json.loads(cltctl("describe", "small", "-o", "json").out)
    assert (found["name"], found["runs"], found["cells"]) == ("small", 3, 12)
    (failure,) = found["failures"]
    assert (failure["key"], failure["attempts"]) == (step.key, 3)
    assert failure["message"] == "no rows in en (attempt 3)"
    assert found["lock"]["sources"]["jsonl:train.jsonl"]["rows"]["en"] == 200
    shown = cltctl("describe", "small")
    assert "failures:" in shown.out
    assert "next: cltctl get steps small" in shown.err
    assert cltctl("describe", "small", "-o", "name").out == "experiment/small\n"


def first_lines(applied, step):
    return cltctl("describe", "small", step.key).out.splitlines()[:2]


def test_describe_a_step_says_first_why_it_is_where_it_is(applied):
    fetch, train = applied.first("fetch"), applied.first("train")
    assert first_lines(applied, fetch) == ["phase: ready", "why: could run now"]
    phase, why = first_lines(applied, train)
    assert (phase, why.startswith("why: waits for ")) == ("phase: pending", True)
    applied.end(fetch, "transient", "the network")
    assert (
        first_lines(applied, fetch)[1] == "why: is tried again: attempt 1: transient: the network"
    )
    applied.end(fetch, "input-at-fault", "bad rows")
    expected = ["phase: failed", "why: it is not tried again: bad rows"]
    assert first_lines(applied, fetch) == expected


def test_describe_a_step_that_is_blocked_names_the_one_that_failed(applied):
    train = applied.first("train")
    for step in applied.steps:
        if step.kind == "fetch":
            applied.end(step, "input-at-fault", "bad rows")
    phase, why = first_lines(applied, train)
    assert phase == "phase: blocked"
    assert why.startswith("why: an input will not come: ")
    assert why.endswith((" is failed", " is blocked"))


def test_describe_a_step(applied):
    step = applied.first("train")
    applied.end(step, "saved")
    found = json.loads(cltctl("describe", "small", step.key[:8], "-o", "json").out)
    assert (found["key"], found["kind"], found["committed"]) == (step.key, "train", False)
    assert [a["outcome"] for a in found["attempts"]] == ["saved"]
    assert set(found["inputs"]) == {"model", "t/en"}
    assert cltctl("describe", "small", step.key[:8], "-o", "name").out == f"step/{step.key}\n"


@pytest.mark.parametrize(
    ("prefix", "message"),
    [
        ("abc", "'abc' is too short: give 6 characters of a key"),
        (
            "zzzzzz",
            "no step of small has a key that starts with 'zzzzzz': "
            "cltctl get steps small lists them",
        ),
    ],
)
def test_a_key_that_is_no_step(applied, prefix, message):
    for verb in ("describe", "logs", "retry"):
        assert cltctl(verb, "small", prefix).err == f"error: {message}\n"


def test_a_key_that_several_steps_begin_with(applied, monkeypatch):
    monkeypatch.setattr("clt_operator.cli.stored.SHORTEST_PREFIX", 0)
    done = cltctl("describe", "small", "")
    assert done.out  # no key at all: the experiment
    first = {}
    for step in applied.steps:
        first.setdefault(step.key[0], []).append(step)
    letter, many = next((letter, s) for letter, s in first.items() if len(s) > 1)
    message = f"{len(many)} steps of small have a key that starts with {letter!r}: give more of it"
    assert cltctl("describe", "small", letter).err == f"error: {message}\n"


# logs


def test_logs_of_a_step_and_of_one_attempt(applied):
    step = applied.first("fetch")
    applied.end(step, "transient", log=b"first try\n")
    applied.end(step, "transient", log="zweiter Versuch, größer\n".encode())
    assert cltctl("logs", "small", step.key[:8]).out == "zweiter Versuch, größer\n"
    assert cltctl("logs", "small", step.key[:8], "--attempt", "1").out == "first try\n"
    done = cltctl("logs", "small", step.key[:8], "--attempt", "3")
    assert (done.code, done.err) == (
        1,
        f"error: step {step.key[:16]} has no attempt 3: it has 1, 2\n",
    )


def test_logs_of_a_step_that_never_ran(applied):
    step = applied.steps[-1]
    assert cltctl("logs", "small", step.key[:8]).err == (
        f"error: step {step.key[:16]} was never attempted\n"
    )


def test_logs_without_a_step_are_those_of_what_failed(applied):
    failed, fine = [s for s in applied.steps if s.kind == "fetch"][:2]
    applied.end(failed, "input-at-fault", "bad", log=b"bad row\n")
    applied.end(fine, "committed", log=b"all well\n")
    done = cltctl("logs", "small")
    assert done.out.splitlines()[1:] == ["bad row"]
    assert done.out.startswith("==> fetch ")
    assert failed.key[:16] in done.out
    everything = cltctl("logs", "small", "--all").out
    assert "bad row" in everything
    assert "all well" in everything
    assert cltctl("logs", "small", "--all", "--kind", "train").out == ""


def test_logs_where_nothing_failed(applied):
    done = cltctl("logs", "small")
    assert (done.code, done.out) == (0, "")
    assert "no step failed; --all shows the logs of all steps" in done.err


# retry


def phase(name="small"):
    return json.loads(cltctl("get", "experiments", name, "-o", "json").out)[0]


def test_retry_forgives_failed_steps_and_forgets_nothing(applied):
    step = applied.first("fetch", language="en")
    applied.end(step, "input-at-fault", "bad")
    assert phase()["failed"] == 1
    done = cltctl("retry", "small")
    assert (done.out, done.err) == (
        f"step/{step.key[:16]} forgiven\n",
        "next: apply the spec again\n",
    )
    assert phase()["failed"] == 0
    found = json.loads(cltctl("describe", "small", step.key[:8], "-o", "json").out)
    assert len(found["attempts"]) == 1


def test_retry_with_nothing_to_forgive(applied):
    assert cltctl("retry", "small").err == "no step has failed\n"
    assert (
        cltctl("retry", "small", applied.steps[0].key[:8]).err == "that step was never attempted\n"
    )


# report


def test_a_report_that_is_not_there_yet(applied, tmp_path):
    done = cltctl("report", "small", "--to", tmp_path / "out")
    assert (done.code, done.out) == (1, "")
    assert done.err == (
        "error: the report of small is not there yet: cltctl describe small says what is missing\n"
    )
    assert not (tmp_path / "out").exists()


# locks


def test_a_damaged_lock_is_named_and_an_upgrade_mends_it(applied, spec):
    applied.artifacts.write_experiment_file("default", "small", "lock.json", b'{"format": 1')
    done = cltctl("describe", "small")
    assert done.code == 1
    assert done.err.startswith("error: the lock of small in file://")
    assert "cltctl upgrade SPEC makes a new one" in done.err
    assert cltctl("upgrade", spec).code == 0
    assert cltctl("describe", "small").code == 0


def test_upgrade_pins_again_what_changed(applied, spec):
    steps = len(applied.steps)
    assert cltctl("upgrade", spec, "--dry-run").out == (
        f"experiment/small: 0 of {steps} steps have a new key\n"
    )
    with (spec.parent / "test.jsonl").open("a") as file:
        file.write('{"q": "b", "a": "2"}\n')
    assert "warning: " in cltctl("apply", spec, "--local", "--dry-run").err
    done = cltctl("upgrade", spec, "--dry-run")
    assert done.err == "dry run: nothing was stored\n"
    found = cltctl("upgrade", spec)
    assert found.out == done.out
    new = int(found.out.split()[1])
    # test rows in four languages, what three models answer to them, their scores, the report
    assert new == 4 + 3 * 4 + 3 * 4 + 2
    assert f"next: cltctl apply {spec} --local" in found.err
    assert "warning: " not in cltctl("apply", spec, "--local", "--dry-run").err
