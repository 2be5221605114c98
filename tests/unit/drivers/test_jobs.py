"""Jobs as folders, and the environment that a Job gets."""

import json
import os

import pytest

from clt_operator.api.holder import LocalHolder
from clt_operator.drivers.jobs import UNRECORDED_SECONDS, Job, environment, find
from clt_operator.drivers.process import this_host, this_process

GONE = LocalHolder(this_host(), 2**22 + 1, 1)


def folder(scratch, name, holder, driver):
    made = scratch / name
    made.mkdir(parents=True)
    record = {"holder": str(holder), "driver": str(driver), "keys": ["k1", "k2"]}
    (made / "job.json").write_text(json.dumps(record))
    return made


def test_jobs_of_dead_drivers_are_found_alive_or_dead(tmp_path):
    folder(tmp_path, "alive", this_process(), GONE)
    folder(tmp_path, "dead", GONE, GONE)
    folder(tmp_path, "dead-but-watched", GONE, this_process())
    folder(tmp_path, "elsewhere", LocalHolder("other-host", 1, 1), GONE)
    alive, dead = find(tmp_path)
    assert [(job.folder.name, job.keys, job.ours) for job in alive] == [
        ("alive", ("k1", "k2"), True)
    ]
    assert [job.folder.name for job in dead] == ["dead"]
    for job in alive:
        job.let_go()


def test_a_job_of_a_living_driver_is_not_ours_to_stop(tmp_path):
    folder(tmp_path, "theirs", this_process(), this_process())
    (job,), _ = find(tmp_path)
    assert not job.ours
    job.let_go()


@pytest.mark.parametrize(("age", "stays"), [(0, True), (UNRECORDED_SECONDS + 60, False)])
def test_a_folder_without_a_record_goes_once_nobody_can_be_writing_it(tmp_path, age, stays):
    made = tmp_path / "unrecorded"
    made.mkdir()
    then = made.stat().st_mtime - age
    os.utime(made, (then, then))
    assert find(tmp_path) == ([], [])
    assert made.exists() == stays


def test_output_is_the_log_of_the_step_and_then_what_only_the_process_said(tmp_path):
    job = Job(("k" * 64,), GONE, tmp_path)
    work = tmp_path / "work" / f"{'k' * 16}-0002"
    work.mkdir(parents=True)
    (work / "log.txt").write_bytes(b"begin\nlast words\n")
    (tmp_path / "output.log").write_bytes(b"begin\nSegmentation fault\n")
    assert job.output("k" * 64, 2) == b"begin\nlast words\nSegmentation fault\n"


def test_threads_are_pinned_and_only_fetch_reaches_the_hub():
    base = {"HF_TOKEN": "secret", "OMP_NUM_THREADS": "64", "PATH": "/bin"}
    train = environment(base, "train", 2, {"EXTRA": "1"})
    assert train["OMP_NUM_THREADS"] == train["MKL_NUM_THREADS"] == "2"
    assert train["HF_HUB_OFFLINE"] == "1"
    assert "HF_TOKEN" not in train
    assert (train["PATH"], train["EXTRA"]) == ("/bin", "1")
    fetch = environment(base, "fetch", 1, {})
    assert fetch["HF_TOKEN"] == base["HF_TOKEN"]
    assert "HF_HUB_OFFLINE" not in fetch
