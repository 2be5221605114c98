"""diff, wait, doctor, logs -f and completion of names over a store."""

import json
import threading

import pytest
from support.commands import cltctl, cltctl_process

from clt_operator.cli import logs, wait

# diff


def test_diff_of_what_is_applied_is_empty(applied, spec):
    done = cltctl("diff", spec)
    assert (done.code, done.out) == (0, "")
    assert done.err == f"steps: {len(applied.steps)} kept, 0 new\n"


def test_diff_shows_the_object_and_the_steps(applied, spec, make_text):
    text = make_text().replace("- 20\n", "- 20\n      - 30\n")
    spec.write_text(text)
    done = cltctl("diff", spec)
    assert done.code == 1
    assert done.out.splitlines()[:2] == [
        "--- live/experiment/small",
        "+++ applied/experiment/small",
    ]
    assert "+      - 30" in done.out
    lines = done.err.splitlines()
    kept = sum(step.kind not in ("collect", "report") for step in applied.steps)
    assert lines[0].startswith(f"steps: {kept} kept, ")
    assert "1 train" in lines[1]
    assert lines[2] == "no longer wanted: 2 (their artifacts stay until cltctl gc)"


def test_diff_of_a_new_experiment_is_all_of_it(applied, spec, make_text):
    spec.write_text(make_text("other"))
    done = cltctl("diff", spec)
    assert done.code == 1
    assert done.out.startswith("--- live/experiment/other\n+++ applied/experiment/other\n@@ -0,0 ")
    assert done.err.splitlines()[0] == f"steps: 0 kept, {len(applied.steps)} new"


def test_diff_exits_2_or_more_on_an_error(applied, spec):
    done = cltctl("diff", "no.yaml")
    assert (done.code, done.err) == (2, "error: cannot read no.yaml: No such file or directory\n")
    done = cltctl("diff", spec, "--store", "ftp://x")
    assert done.code == 2
    assert done.err.startswith("error: store 'ftp://x'")


# wait


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(wait, "POLL", 0.01)


def test_wait_for_what_is_already_so(applied, impatient):
    for step in applied.steps:
        applied.end(step, "committed")
    done = cltctl("wait", "small", "--for", "complete")
    assert (done.code, done.out) == (0, "experiment/small complete\n")
    done = cltctl("wait", "small", "--for", "failed")
    assert (done.code, done.err) == (1, "experiment small is complete, and will not be failed\n")


def test_wait_sees_what_comes(applied, impatient):
    later = threading.Timer(
        0.05, lambda: [applied.end(step, "committed") for step in applied.steps]
    )
    later.start()
    done = cltctl("wait", "small", "--timeout", "60s")
    later.join()
    assert (done.code, done.out) == (0, "experiment/small complete\n")


def test_wait_times_out(applied, impatient):
    done = cltctl("wait", "small", "--timeout", "50ms")
    assert (done.code, done.out) == (1, "")
    assert done.err == "error: timed out waiting for experiment small after 0.05 s\n"


def test_a_store_has_no_conditions(applied):
    done = cltctl("wait", "small", "--for", "condition=Accepted")
    assert (done.code, done.out) == (2, "")
    assert "a store knows complete and failed" in done.err


# logs -f


def test_logs_are_followed_to_the_end_of_the_attempt(applied, monkeypatch):
    step = applied.first("train")
    claim = applied.artifacts.claim(step.key, "local:elsewhere:1:1", "2025-01-01T00:00:00Z")
    applied.artifacts.write_log(step.key, claim.attempt, b"one\n")
    looks = []

    def pause(_seconds):
        looks.append(1)
        if len(looks) == 1:
            applied.artifacts.write_log(step.key, claim.attempt, b"one\ntwo\n")
        else:
            from clt_operator.api.step import Outcome

            applied.artifacts.record_outcome(
                Outcome(key=step.key, attempt=claim.attempt, outcome="failed")
            )

    monkeypatch.setattr(logs.time, "sleep", pause)
    assert cltctl("logs", "small", step.key, "-f").out == "one\ntwo\n"


def test_logs_of_a_run_and_by_labels(applied):
    train = applied.first("train", k="10")
    answers = [s for s in applied.steps if any(i.key == train.key for i in s.inputs)]
    answers = [s for s in answers if s.kind == "generate"]
    for step in (train, applied.first("train", k="20"), *answers):
        applied.end(step, "committed", log=f"log of {step.key[:8]}\n".encode())
    done = cltctl("logs", "small", "--run", train.key[:10])
    shown = [line for line in done.out.splitlines() if line.startswith("log of")]
    assert shown == [f"log of {step.key[:8]}" for step in (train, *answers)]
    done = cltctl("logs", "small", "-l", "k=20", "--kind", "train", "--tail", "1")
    assert done.out.count("==>") == 1


def test_an_attempt_is_of_one_step(applied):
    done = cltctl("logs", "small", "--attempt", "1")
    assert (done.code, done.out) == (2, "")


# doctor


def test_doctor_of_a_store(applied):
    done = cltctl("doctor")
    assert done.code == 0
    assert [line[0] for line in done.out.splitlines()] == ["✓"] * 3
    assert "honours conditional writes" in done.out
    assert "experiments: 1 in this store" in done.out
    found = json.loads(cltctl("doctor", "-o", "json").out)
    assert [check["ok"] for check in found] == [True] * 3


def test_doctor_of_a_store_that_is_not_there(tmp_path):
    (tmp_path / "file").write_text("")
    done = cltctl("doctor", "--store", tmp_path / "file" / "store")
    assert done.code == 1
    assert done.out.startswith("✗ store: ")


def test_doctor_sees_a_clock_that_is_wrong(applied, monkeypatch):
    monkeypatch.setattr("clt_operator.cli.doctor.time.time", lambda: 0.0)
    done = cltctl("doctor")
    assert done.code == 1
    assert "s from this machine's" in done.out
    assert "  next: set the clock that is wrong" in done.out


# get


def test_get_chooses_by_labels(applied):
    rows = cltctl("get", "runs", "small", "-l", "k!=0", "-o", "wide").out.splitlines()
    assert len(rows) == 3
    assert "CONTROL" in rows[0]
    steps = json.loads(cltctl("get", "steps", "small", "-l", "k=20,language=ja", "-o", "json").out)
    assert steps
    assert {(row["k"], row["language"]) for row in steps} == {("20", "ja")}
    assert all("labels" not in row for row in steps)


def test_get_takes_singulars_and_says_what_it_knows(applied):
    assert cltctl("get", "experiment").out == cltctl("get", "experiments").out
    done = cltctl("get", "pods")
    assert done.code == 2
    assert "'pods' is not one of 'experiments', 'runs', 'steps'" in done.err
    for words in (["experiments", "-w"], ["experiments", "-l", "a=b"], ["steps", "small", "-w"]):
        assert cltctl("get", *words).code == 2


def test_experiments_of_all_namespaces(applied):
    applied.artifacts.write_root("lab", "empty", applied.artifacts.root("default", "small"))
    for name in ("lock.json", "spec.yaml"):
        data = applied.artifacts.experiment_file("default", "small", name)
        applied.artifacts.write_experiment_file("lab", "empty", name, data)
    lines = [line.split() for line in cltctl("get", "experiments", "-A").out.splitlines()]
    assert [line[:2] for line in lines] == [
        ["NAMESPACE", "NAME"],
        ["default", "small"],
        ["lab", "empty"],
    ]


# completion


def test_names_of_experiments_are_completed(applied):
    store = str(applied.artifacts.store.root)
    asked = {
        "_CLTCTL_COMPLETE": "complete_bash",
        "COMP_WORDS": "cltctl describe s",
        "COMP_CWORD": "2",
    }
    assert cltctl_process(env=asked | {"CLT_STORE": store}).out.split() == ["small"]
    asked["COMP_WORDS"], asked["COMP_CWORD"] = f"cltctl delete --store {store} sm", "4"
    assert cltctl_process(env=asked | {"CLT_STORE": ""}).out.split() == ["small"]


def test_completion_without_a_place_is_silent(tmp_path):
    asked = {"_CLTCTL_COMPLETE": "complete_bash", "COMP_WORDS": "cltctl logs s", "COMP_CWORD": "2"}
    done = cltctl_process(env={**asked, "KUBECONFIG": str(tmp_path / "none")}, cwd=tmp_path)
    assert (done.out.strip(), done.err) == ("", "")
