"""gc and invalidate on a real study: what is wanted stays whole, what was wrong is made again."""

import json
import shutil
from pathlib import Path

import pytest
from support.commands import cltctl_process

pytestmark = pytest.mark.xdist_group("finished-study")


@pytest.fixture
def own(finished, tmp_path):
    """The finished study in a store of its own."""
    root = tmp_path / "own"
    shutil.copytree(finished.root, root)
    return type(finished)(root, finished.data)


def test_a_finished_study_survives_a_collection_whole(own, tmp_path):
    before = own.artifacts.committed()
    done = own.run("gc", "--grace", "0", "--yes")
    assert done.code == 0, done.err
    assert own.artifacts.committed() == before
    again = own.apply()
    assert again.err.splitlines()[1:3] == ["nothing to do: complete", "0 steps executed in 0.0 s"]
    report = own.run("report", "quickstart", "--to", tmp_path / "report")
    assert report.code == 0, report.err


def test_what_another_study_left_is_freed_and_this_one_stays(own):
    data = json.loads(json.dumps(own.data))
    data["metadata"] = {"name": "other"}
    data["spec"]["train"]["learningRate"] = 3.0e-3
    wanted = own.artifacts.committed()
    assert own.apply(data).code == 0
    assert own.run("delete", "other").code == 0
    more = own.artifacts.committed() - wanted
    assert more
    assert "too young" in own.run("gc").out
    done = own.run("gc", "--grace", "0", "--yes")
    assert done.code == 0, done.err
    assert own.artifacts.committed() == wanted
    assert {key for key in more if list(own.artifacts.store.list(f"attempts/{key}/"))} == set()
    assert "0 steps executed" in own.apply().err


def test_what_is_invalidated_is_computed_again_with_the_same_result(own):
    steps = own.steps()
    train = next(row for row in steps.values() if row["kind"] == "train")
    report = Path(own.apply().out.strip()).read_bytes()
    done = own.run("invalidate", "quickstart", train["key"], "--reason", "a bad disk")
    assert done.code == 0, done.err
    lost = len(steps) - len(own.artifacts.committed())
    assert done.out.splitlines()[1] == (
        f"experiment/quickstart in default: {lost} steps to compute again"
    )
    assert done.err == "next: apply the spec again\n"
    again = own.apply()
    assert again.code == 0, again.err
    assert f"{lost} steps executed" in again.err
    assert Path(again.out.strip()).read_bytes() == report
    told = json.loads(own.run("describe", "quickstart", train["key"], "-o", "json").out)
    assert "a bad disk" in told["invalidated"][0]
    assert [attempt["outcome"] for attempt in told["attempts"]] == ["committed", "committed"]


def test_doctor_finds_nothing_wrong(own):
    done = cltctl_process("doctor", "--store", own.store)
    assert (done.code, done.err) == (0, "")
