"""What there is now: experiments one by one up to a bound, steps by phase, Jobs that wait."""

import pytest

from clt_operator.api import telemetry
from clt_operator.api.times import epoch
from clt_operator.drivers.cluster import exposing
from clt_operator.drivers.cluster.families import Family, text_of

WHERE = ("lab", "study")
AT = epoch("2026-01-01T00:10:00Z")


@pytest.fixture
def shown(samples):
    """The samples of some experiments."""

    def show(*items, most=10):
        some = exposing.shown(items, most)
        found = exposing.experiments(items, some, lambda _: 7.0, lambda _: "team")
        return samples(text_of(found))

    return show


@pytest.fixture
def waits(samples):
    """The samples of Jobs with their pods."""

    def show(*jobs, pods=None, now=AT):
        found = exposing.waiting(jobs, lambda uid: (pods or {}).get(uid, ()), {WHERE}, now)
        return samples(text_of(found))

    return show


def test_an_experiment_is_told_by_phase_queue_progress_and_gpu_hours(shown, make_experiment):
    counts = [{"kind": "train", "done": 3, "queued": 1}, {"kind": "score", "unneeded": 9}]
    found = shown(make_experiment(phase="Running", counts=counts, gpuHours="1.50"))
    assert found["clt_experiments", "Running"] == 1
    assert found["clt_experiments", "Complete"] == 0
    assert found["clt_experiment_info", *WHERE, "Running", "team"] == 1
    assert found["clt_experiment_progress_ratio", *WHERE] == 0.75
    assert found["clt_experiment_gpu_hours", *WHERE] == 1.5
    assert found["clt_experiment_last_progress_timestamp_seconds", *WHERE] == 7.0
    assert found["clt_experiment_steps", *WHERE, "train", "queued"] == 1
    assert found["clt_experiment_steps", *WHERE, "score", "unneeded"] == 9
    assert ("clt_experiment_steps", *WHERE, "train", "failed") not in found


def test_one_that_nobody_has_looked_at_is_pending(shown, make_experiment):
    found = shown(make_experiment())
    assert found["clt_experiments", "Pending"] == 1
    assert found["clt_experiment_progress_ratio", *WHERE] == 0


def test_beyond_the_bound_those_under_way_are_shown_and_all_are_counted(shown, make_experiment):
    over = [make_experiment(f"over{at}", phase="Complete") for at in range(5)]
    found = shown(*over, make_experiment("now", phase="Running"), most=2)
    names = {labels[2] for labels in found if labels[0] == "clt_experiment_info"}
    assert len(names) == 2
    assert "now" in names
    assert found["clt_experiments", "Complete"] == 5


def test_jobs_of_which_no_pod_runs_wait(waits, make_job, make_pod):
    idle, busy = make_job("idle", queue="team"), make_job("busy", queue="team")
    pods = {"uid-busy": [make_pod("busy", "2026-01-01T00:01:00Z")], "uid-idle": [make_pod("idle")]}
    found = waits(idle, busy, pods=pods)
    assert found["clt_jobs_waiting", *WHERE, "train", "team"] == 1
    assert found["clt_jobs_longest_wait_seconds", *WHERE, "team"] == 600


def test_jobs_that_ended_go_or_belong_to_nobody_here_do_not_wait(waits, make_job):
    ended = make_job(status={"conditions": [{"type": "Failed", "status": "True"}]})
    going = make_job("going")
    going["metadata"]["deletionTimestamp"] = "now"
    found = waits(ended, going, make_job("other", owner="elsewhere"))
    assert not [name for name, *_ in found if name.startswith("clt_jobs")]


def test_a_job_that_its_queue_took_back_waits_since_then(waits, make_job):
    back = {
        "type": "Suspended", "status": "True", "lastTransitionTime": "2026-01-01T00:09:30Z",
    }  # fmt: skip
    found = waits(make_job(spec={"suspend": True}, status={"conditions": [back]}))
    assert found["clt_jobs_longest_wait_seconds", *WHERE, ""] == 30


def test_labels_are_written_so_that_they_are_read_as_they_were(samples):
    odd = 'a "mix"\\ of\ntwo'
    made = Family(telemetry.REPORT_GAP)
    labels = ("lab", "study", "s", "m", odd, "0", "t", "accuracy")
    made.add(labels, 1e-7)
    assert samples(text_of([made])) == {("clt_report_seen_unseen_gap", *labels): 1e-7}
