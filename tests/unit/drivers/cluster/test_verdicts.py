"""What a Job and its pods say where the runner said nothing."""

import pytest

from clt_operator.drivers.cluster import verdicts


def pod(
    phase="Failed", *, code=None, reason="", waiting="", disruption="", status_reason="", at="1"
):
    state = {}
    if code is not None:
        state = {"terminated": {"exitCode": code, "reason": reason or "Error"}}
    elif waiting:
        state = {"waiting": {"reason": waiting, "message": "not there"}}
    conditions = []
    if disruption:
        conditions = [{"type": "DisruptionTarget", "status": "True", "reason": disruption}]
    return {
        "metadata": {"uid": f"uid-{at}", "creationTimestamp": at},
        "status": {
            "phase": phase,
            "reason": status_reason,
            "conditions": conditions,
            "containerStatuses": [{"name": "steps", "state": state}] if state else [],
        },
    }


def job(condition="Failed", reason="BackoffLimitExceeded", **spec):
    conditions = [{"type": condition, "status": "True", "reason": reason}] if condition else []
    return {"metadata": {"uid": "job"}, "spec": spec, "status": {"conditions": conditions}}


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        (pod(code=137, reason="OOMKilled"), "out-of-memory"),
        (pod(code=65), "input-at-fault"),
        (pod(code=74), "transient"),
        (pod(code=75), "saved"),
        (pod(code=1), "failed"),
        (pod("Succeeded", code=0), "failed"),
        (pod(code=137), "lost"),
        (pod(code=143), "lost"),
        (pod(code=1, disruption="EvictionByEvictionAPI"), "lost"),
        (pod(code=75, disruption="PreemptionByScheduler"), "saved"),
        (pod(status_reason="Evicted"), "lost"),
        (pod(code=137, status_reason="NodeShutdown"), "lost"),
        (pod(), "lost"),
    ],
)
def test_how_a_pod_ended(found, outcome):
    assert verdicts.of_pod(found).outcome == outcome
    assert verdicts.of_job(job(), [found]).outcome == outcome
    assert not verdicts.alive(found)


def test_a_pod_that_goes_on_has_no_verdict():
    running = pod("Running")
    assert verdicts.of_pod(running) is None
    assert verdicts.alive(running)


@pytest.mark.parametrize("pods", [[], [pod("Running")]])
def test_a_job_that_was_completed_by_hand_charges_nothing(pods):
    assert verdicts.of_job(job("Complete", ""), pods).outcome == "lost"


def test_the_fault_of_the_step_counts_where_another_pod_was_disrupted():
    pods = [pod(code=1, at="1"), pod(status_reason="Evicted", at="2")]
    assert verdicts.of_job(job(), pods).outcome == "failed"


@pytest.mark.parametrize(
    ("pods", "outcome"),
    [
        ([pod(code=74), pod(status_reason="Evicted")], "lost"),
        ([pod(code=137, disruption="DeletionByTaintManager"), pod(code=74)], "lost"),
        ([pod(code=74), pod(code=137, reason="OOMKilled")], "out-of-memory"),
        ([pod(code=65), pod(code=137, disruption="EvictionByEvictionAPI")], "input-at-fault"),
        ([pod(code=74), pod(code=1), pod(code=74)], "failed"),
        ([pod(code=74), pod(code=74)], "transient"),
        ([pod(code=75), pod(code=75, disruption="PreemptionByScheduler")], "saved"),
        ([pod(code=74), pod("Running")], "transient"),
    ],
)
def test_promise_exit_codes_a_job_of_several_pods_is_charged_for_its_own_faults_only(pods, outcome):
    assert verdicts.of_job(job(completions=2), pods).outcome == outcome


def test_a_deadline_is_charged_and_named():
    verdict = verdicts.of_job(
        job(reason="DeadlineExceeded", activeDeadlineSeconds=90), [pod(code=75)]
    )
    assert verdict.outcome == "failed"
    assert "90 s" in verdict.message


@pytest.mark.parametrize(
    ("condition", "expected"), [("Complete", "Complete"), ("Failed", "Failed"), ("", "")]
)
def test_a_job_is_finished_by_its_last_condition_only(condition, expected):
    assert verdicts.finished(job(condition)) == expected
    early = {"type": "FailureTarget", "status": "True", "reason": "PodFailurePolicy"}
    assert verdicts.finished({"status": {"conditions": [early]}}) == ""


@pytest.mark.parametrize(
    ("waiting", "reason"),
    [
        ("ImagePullBackOff", "ImagePull"),
        ("InvalidImageName", "ImagePull"),
        ("CreateContainerConfigError", "MissingConfiguration"),
    ],
)
def test_what_a_pod_is_stuck_on(waiting, reason):
    found = verdicts.stuck(pod("Pending", waiting=waiting))
    assert found is not None
    assert (found.reason, "not there" in found.message) == (reason, True)


def test_a_pod_that_is_being_made_is_not_stuck():
    assert verdicts.stuck(pod("Pending", waiting="ContainerCreating")) is None


def began(phase="Running", at="2026-01-01T00:00:05Z"):
    state = {"running": {"startedAt": at}} if phase == "Running" else {"terminated": {
        "startedAt": at, "exitCode": 143}}  # fmt: skip
    return {"status": {"phase": phase, "containerStatuses": [{"name": "steps", "state": state}]}}


PENDING = pod("Pending", waiting="ContainerCreating")


@pytest.mark.parametrize(
    ("found", "pods", "works"),
    [
        (job(""), [], False),
        (job("", suspend=True), [began()], False),  # its pods are on their way out
        (job(""), [PENDING], False),
        (job(""), [pod("Pending", waiting="ImagePullBackOff")], False),
        (job(""), [PENDING, began()], True),
        (job(""), [began("Failed")], True),  # the Job does not say yet that it failed
        (job(""), [began("Failed"), PENDING], False),  # disrupted, another one waits
    ],
)
def test_a_job_is_at_work_once_a_pod_of_it_runs(found, pods, works):
    assert verdicts.at_work(found, pods) == works


def test_when_a_pod_began_is_told_by_its_container():
    assert verdicts.began(began()) == verdicts.began(began("Failed")) == "2026-01-01T00:00:05Z"
    assert verdicts.began(PENDING) == ""


def edited(generation, *, queue="", **spec):
    labels = {"kueue.x-k8s.io/queue-name": queue} if queue else {}
    return {"metadata": {"generation": generation, "labels": labels}, "spec": spec}


@pytest.mark.parametrize(
    ("found", "spoiled"),
    [
        (edited(1, parallelism=1, completions=1), False),
        (edited(2, parallelism=0, completions=1), True),
        (edited(2, parallelism=1, completions=2), True),
        (edited(2, suspend=True), True),
        (edited(1, suspend=True), False),  # made so by whoever admits Jobs here
        (edited(2, suspend=True, queue="team"), False),
        (edited(2, activeDeadlineSeconds=1), False),
    ],
)
def test_a_job_is_spoiled_by_an_edit_that_it_cannot_go_on_with(found, spoiled):
    assert verdicts.spoiled(found) == spoiled
