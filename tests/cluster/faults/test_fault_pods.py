"""Pods are taken away, killed, or cannot start; containers end as they should not."""

import pytest
from cluster.faults.studies import tiny_study, with_compute
from cluster.harness.profiles import STORE
from cluster.harness.waiting import until


@pytest.fixture
def training(operator, experiments, stub):
    """A study is under way up to its first training, which works until ``training.set()``."""
    gate = stub.hold(kind="train")
    experiments.create(tiny_study())
    return gate


def outcomes(store, key: str) -> list[str]:
    return [s.outcome.outcome for s in store.artifacts.attempts(key) if s.outcome]


def test_an_evicted_pod_is_replaced_and_its_attempt_is_free(
    training, pods, stub, store, assert_intact
):
    working = stub.working("train")
    key = working.doing.key
    pods.evict(working.pod)
    until(lambda: stub.working("train").uid != working.uid, 60, what="another pod works on it")
    training.set()
    assert_intact()
    assert outcomes(store, key) == ["saved", "committed"]


def test_a_pod_deleted_by_hand_is_replaced_and_its_attempt_is_free(
    training, pods, stub, store, assert_intact
):
    working = stub.working("train")
    key = working.doing.key
    pods.delete(working.pod)
    until(lambda: stub.working("train").uid != working.uid, 60, what="another pod works on it")
    training.set()
    assert_intact()
    assert outcomes(store, key) == ["saved", "committed"]


def test_the_loss_of_a_node_is_recorded_and_costs_no_attempt(
    training, cluster, pods, stub, store, assert_intact
):
    working = stub.working("train")
    key = working.doing.key
    pod = next(p for p in pods.all() if p["metadata"]["name"] == working.pod)
    node = pod["spec"]["nodeName"]
    pods.lose_node(node)
    try:
        until(lambda: outcomes(store, key) == ["lost"], 30, what="the attempt is recorded as lost")
        until(lambda: stub.working("train").uid != working.uid, 60, what="another pod works on it")
    finally:
        cluster.nodes.add(node)
    training.set()
    assert_intact()
    assert outcomes(store, key) == ["lost", "committed"]


def test_a_pod_that_was_killed_for_memory_is_charged_and_tried_again(
    operator, experiments, stub, store, assert_intact
):
    stub.add(kind="train", ends="oom", times=1)
    experiments.create(tiny_study())
    assert_intact(charged={"out-of-memory": 3})
    for record in stub.attempts(kind="train"):
        assert outcomes(store, record.key) == ["out-of-memory", "committed"]


def test_three_kills_for_memory_fail_the_step_and_the_status_says_why(
    operator, experiments, stub, assert_intact
):
    stub.add(kind="train", labels={"stage": "base"}, ends="oom")
    experiments.create(tiny_study())
    status = experiments.wait("Failed", reason="StepsFailed")
    (failure,) = status["failures"]
    assert failure["kind"] == "train"
    assert failure["attempts"] == 3
    assert "OOMKilled" in failure["message"]
    assert "OOMKilled" in experiments.condition("Failed")["message"]
    assert len(stub.attempts(kind="train")) == 3
    assert_intact.failed(charged={"out-of-memory": 3})


def test_a_missing_image_degrades_the_study_until_it_is_there(
    operator, experiments, pods, stub, assert_intact
):
    experiments.create(with_compute(tiny_study(), "train", image="missing.invalid/clt-jobs:1"))
    status = experiments.wait("Degraded", reason="ImagePull")
    assert "missing.invalid/clt-jobs:1" in experiments.condition("Degraded")["message"]
    assert status["phase"] == "Running"

    def pushed() -> bool:
        for pod in pods.all("clt.dev/kind=train", phase="Pending"):
            pods.found(pod["metadata"]["name"])
        return experiments.condition("Complete").get("status") == "True"

    until(pushed, 120, what="the study is complete", pause=0.2)
    assert_intact()


def test_a_missing_secret_degrades_the_study_until_it_is_there(
    operator, experiments, profiles, pods, store, namespace, stub, assert_intact
):
    entry = {
        "uri": store.uri,
        "secret": "missing-credentials",
        "environment": store.plain_environment,
        "namespaces": ["*"],
    }
    profiles(stores={STORE: entry})
    operator.stop()
    operator.start()
    experiments.create(tiny_study())
    experiments.wait("Degraded", reason="MissingConfiguration")
    assert "missing-credentials" in experiments.condition("Degraded")["message"]

    def made() -> bool:
        for pod in pods.all(phase="Pending"):
            pods.found(pod["metadata"]["name"])
        return experiments.condition("Complete").get("status") == "True"

    until(made, 120, what="the study is complete", pause=0.2)
    assert_intact()


def test_an_input_at_fault_is_never_tried_again_and_the_rest_goes_on(
    operator, experiments, stub, assert_intact
):
    stub.add(kind="train", labels={"k": "20"}, ends="fail", code=65, message="row 7 is no text")
    experiments.create(tiny_study())
    status = experiments.wait("Failed", reason="StepsFailed")
    (failure,) = status["failures"]
    assert (failure["kind"], failure["attempts"]) == ("train", 1)
    assert "row 7 is no text" in failure["message"]
    trained = [r for r in stub.attempts(kind="train") if r.outcome == "committed"]
    assert {r.kind for r in stub.records if r.outcome == "committed"} >= {"generate", "score"}
    assert len(trained) == 2
    assert_intact.failed(charged={"input-at-fault": 1})


def test_a_passing_fault_is_charged_and_tried_again_after_a_pause(
    operator, experiments, stub, store, assert_intact
):
    stub.add(kind="train", labels={"stage": "base"}, ends="fail", code=74, times=1)
    experiments.create(tiny_study())
    assert_intact(charged={"transient": 1})
    key = next(r.key for r in stub.records if r.outcome == "transient")
    first, second = store.artifacts.attempts(key)
    assert _seconds_between(first.outcome.ended_at, second.claim.claimed_at) >= 9.5


def test_a_state_saved_on_request_is_free_however_often(
    operator, experiments, stub, store, assert_intact
):
    stub.add(kind="train", labels={"stage": "base"}, ends="silent", code=75, times=4)
    experiments.create(tiny_study())
    assert_intact()
    key = stub.attempts(kind="train")[0].key
    assert outcomes(store, key) == ["saved"] * 4 + ["committed"]


def test_an_exit_of_zero_without_a_manifest_is_charged(
    operator, experiments, stub, store, assert_intact
):
    stub.add(kind="report", ends="silent", code=0, times=1)
    experiments.create(tiny_study())
    assert_intact(charged={"failed": 1})
    (state, _) = store.artifacts.attempts(stub.attempts(kind="report")[0].key)
    assert state.outcome.message == "exit code 0 without a manifest"


def test_a_kill_right_after_the_commit_leaves_no_attempt_without_an_outcome(
    operator, experiments, stub, store, assert_intact
):
    stub.add(kind="train", ends="killed after commit")
    stub.add(kind="score", ends="killed after commit", times=1)
    experiments.create(tiny_study())
    assert_intact()
    for record in stub.attempts(kind="train"):
        assert outcomes(store, record.key) == ["committed"]


def test_a_deadline_that_is_exceeded_is_charged_with_its_length(
    operator, experiments, stub, store, assert_intact
):
    stub.add(kind="train", labels={"stage": "base"}, ends="hang", times=1)
    experiments.create(with_compute(tiny_study(), "train", deadlineSeconds=2, graceSeconds=5))
    assert_intact(charged={"failed": 1})
    key = stub.attempts(kind="train")[0].key
    messages = [s.outcome.message for s in store.artifacts.attempts(key)]
    assert any("deadline of 2 s" in message for message in messages)


def _seconds_between(before: str, after: str) -> float:
    from datetime import datetime

    return (datetime.fromisoformat(after) - datetime.fromisoformat(before)).total_seconds()
