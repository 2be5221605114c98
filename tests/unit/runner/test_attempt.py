"""One attempt: what is committed, and the outcome of everything that can go wrong."""

import errno

import pytest

from clt_jobs.context import StopRequested
from clt_operator.api import kinds
from clt_operator.api.errors import InputError, StoreError, TransientError
from clt_operator.store import layout


def write(_params, context):
    (context.output("out") / "value.txt").write_text("1\n")


def outcomes(artifacts, key):
    return [s.outcome.outcome if s.outcome else None for s in artifacts.attempts(key)]


def test_a_step_is_committed_with_its_files_summary_and_provenance(runner, artifacts, step):
    def counts(params, context):
        write(params, context)
        (context.output("deep/er") / "a.txt").write_text("a")
        context.summarise(rows=3)
        context.summarise(dropped=1)

    key = step(counts)
    outcome = runner.run(key)
    manifest = artifacts.manifest(key)
    assert outcome.outcome == "committed"
    assert outcomes(artifacts, key) == ["committed"]
    assert [f.path for f in manifest.outputs["out"]] == ["out/value.txt"]
    assert [f.path for f in manifest.outputs["deep/er"]] == ["deep/er/a.txt"]
    assert manifest.summary == {"rows": 3, "dropped": 1}
    assert manifest.provenance["holder"] == "local:here:1:1"
    assert manifest.provenance["started_at"] <= manifest.provenance["ended_at"]


def test_what_is_committed_is_not_run_again(runner, artifacts, step):
    key = step(write)
    runner.run(key)
    assert runner.run(key) is None
    assert len(artifacts.attempts(key)) == 1


def test_inputs_are_read_through_their_manifest(runner, artifacts, step, tmp_path):
    def add(params, context):
        value = (context.input("in0") / "value.txt").read_text()
        assert context.has_input("in0")
        assert not context.has_input("in1")
        with pytest.raises(KeyError, match="no input 'in1'"):
            context.input("in1")
        (context.output("out") / "value.txt").write_text(value * 2)

    first = step(write)
    second = step(add, first)
    runner.run(first)
    assert runner.run(second).outcome == "committed"
    assert (artifacts.open_output(second, "out", tmp_path) / "value.txt").read_text() == "1\n1\n"


def test_an_input_that_is_not_committed_may_still_come(runner, step):
    first = step(write)
    outcome = runner.run(step(write, first, name="write second"))
    assert outcome.outcome == "transient"
    assert first in outcome.message


@pytest.mark.parametrize("takes_files", [False, True], ids=["manifest", "files, too"])
def test_an_input_that_goes_while_the_step_runs_may_come_again(
    runner, artifacts, step, takes_files
):
    """It was invalidated or collected between the look at the inputs and the reading of one."""
    first = step(write)
    assert runner.run(first).outcome == "committed"

    def reads(_params, context):
        names = [layout.committed(first)]
        if takes_files:
            names += [info.name for info in artifacts.store.list(layout.files(first, 1))]
        artifacts.store.delete(names)
        context.input("in0")

    outcome = runner.run(step(reads, first))
    assert outcome.outcome == "transient"
    assert "is not committed any more" in outcome.message


def test_a_damaged_input_is_at_fault(runner, artifacts, step):
    def read(_params, context):
        context.input("in0")

    first = step(write)
    runner.run(first)
    path = artifacts.store.local_path(f"attempts/{first}/0001/files/out/value.txt")
    path.chmod(0o644)
    path.write_text("2\n")
    outcome = runner.run(step(read, first))
    assert outcome.outcome == "input-at-fault"
    assert "value.txt" in outcome.message


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (InputError("row 3 is not JSON"), "input-at-fault"),
        (TransientError("the hub is busy"), "transient"),
        (StoreError("refused"), "transient"),
        (OSError(errno.ENOSPC, "No space left on device"), "transient"),
        (OSError(errno.EIO, "Input/output error"), "transient"),
        (ConnectionResetError("peer"), "transient"),
        (TimeoutError("slow"), "transient"),
        (MemoryError(), "out-of-memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "out-of-memory"),
        (StopRequested("at step 7"), "saved"),
        (ValueError("shapes differ"), "failed"),
        (FileNotFoundError(errno.ENOENT, "gone"), "failed"),
        (SystemExit(0), "failed"),
    ],
)
def test_promise_exit_codes_of_exceptions(runner, artifacts, step, error, expected):
    def fails(_params, context):
        (context.output("out") / "half.txt").write_text("half")
        raise error

    key = step(fails)
    assert runner.run(key).outcome == expected
    assert outcomes(artifacts, key) == [expected]
    assert artifacts.manifest(key) is None
    assert list(runner.scratch.glob("*-0001")) == []


def test_a_step_of_another_release_is_refused_once_with_the_way_out(
    runner, artifacts, step, monkeypatch
):
    """What an older lock pinned and nobody computed yet: a further try would end the same."""
    key = step(write)
    monkeypatch.setattr(kinds.KINDS["probe"], "version", 2)
    outcome = runner.run(key)
    assert outcome.outcome == "input-at-fault"
    assert "probe is at version 2 here, the step wants 1" in outcome.message
    assert "cltctl upgrade" in outcome.message


def test_what_an_older_release_committed_stays(runner, artifacts, step, monkeypatch):
    key = step(write)
    runner.run(key)
    monkeypatch.setattr(kinds.KINDS["probe"], "version", 2)
    assert runner.run(key) is None
    assert outcomes(artifacts, key) == ["committed"]


def test_the_cause_of_an_exception_decides_too(runner, step):
    def fails(_params, _context):
        try:
            raise OSError(errno.ENOSPC, "No space left on device")
        except OSError as error:
            raise RuntimeError("cannot save") from error

    outcome = runner.run(step(fails))
    assert (outcome.outcome, outcome.message) == ("transient", "RuntimeError: cannot save")


def test_the_traceback_is_in_the_log_and_one_line_in_the_outcome(runner, artifacts, step):
    def fails(_params, _context):
        print("before the fault")
        raise ValueError("first line\nsecond line")

    key = step(fails)
    assert runner.run(key).message == "ValueError: first line second line"
    text = artifacts.log(key, 1).decode()
    assert "before the fault" in text
    assert "Traceback" in text
    assert "in fails" in text


def test_promise_commit_a_writer_that_sees_a_higher_claim_commits_nothing(runner, artifacts, step):
    def overtaken(params, context):
        artifacts.claim(context.key, "local:there:2:2", "2026-01-01T00:00:00Z")
        write(params, context)

    key = step(overtaken)
    assert runner.run(key).outcome == "lost-race"
    assert artifacts.manifest(key) is None


def test_a_resume_state_is_kept_for_the_next_attempt(runner, artifacts, step, tmp_path):
    def resumes(params, context):
        found = context.load_resume()
        if found is None:
            state = tmp_path / "state"
            state.mkdir()
            (state / "position.txt").write_text("7")
            context.save_resume("step-7", state)
            raise StopRequested("at step 7")
        assert (found / "position.txt").read_text() == "7"
        write(params, context)

    key = step(resumes)
    assert runner.run(key).outcome == "saved"
    assert runner.run(key).outcome == "committed"
    assert artifacts.manifest(key).provenance["resumed_from"]


def test_a_superseded_attempt_saves_nothing_more(runner, artifacts, step, tmp_path):
    def saves(_params, context):
        artifacts.claim(context.key, "local:there:2:2", "2026-01-01T00:00:00Z")
        context.save_resume("late", tmp_path)

    key = step(saves)
    assert runner.run(key).outcome == "lost-race"
    assert not list(artifacts.store.list(f"attempts/{key}/0001/resume"))


def test_hints_given_to_the_runner_replace_those_of_the_document(runner, artifacts, step):
    def hinted(_params, context):
        (context.output("out") / "value.txt").write_text(context.hints["uri"])

    key = step(hinted, uri="file:old")
    runner.hints = {key: {"uri": "file:new"}}
    runner.run(key)
    path = f"attempts/{key}/0001/files/out/value.txt"
    assert artifacts.store.get(path) == b"file:new"


def test_a_commit_whose_answer_was_lost_is_a_commit(runner, artifacts, step, monkeypatch):
    whole = artifacts.commit

    def commit(manifest):
        whole(manifest)
        raise TransientError("connection closed before the answer")

    monkeypatch.setattr(artifacts, "commit", commit)
    assert runner.run(step(write)).outcome == "committed"


def test_a_store_that_refuses_the_log_loses_the_log_only(runner, artifacts, step, monkeypatch):
    def refuse(*_):
        raise StoreError("no")

    monkeypatch.setattr(artifacts, "write_log", refuse)
    assert runner.run(step(write)).outcome == "committed"


def test_an_unknown_step_is_refused_before_a_claim(runner, artifacts):
    with pytest.raises(StoreError, match="knows no step"):
        runner.run("f" * 64)
    assert artifacts.attempt_numbers() == {}
