"""Child Jobs are deleted, edited and completed by hand."""

import pytest
from cluster.faults.studies import tiny_study, with_compute
from cluster.harness.waiting import until


@pytest.fixture
def change(cluster, namespace):
    """Merges fields into a Job, as its administrator."""

    def changed(name: str, body: object, part: str = "") -> None:
        path = f"/apis/batch/v1/namespaces/{namespace}/jobs/{name}"
        cluster.client.patch(path + part, body)

    return changed


@pytest.fixture
def training(operator, experiments, stub, job_of):
    """A study is under way up to its first training; the Job, what works on it, and the gate."""
    gate = stub.hold(kind="train")
    experiments.create(tiny_study())
    working = stub.working("train")
    return job_of("train"), working, gate


def outcomes(store, key: str) -> list[str]:
    return [s.outcome.outcome for s in store.artifacts.attempts(key) if s.outcome]


def other_pod(stub, working) -> None:
    until(lambda: stub.working("train").uid != working.uid, 60, what="another pod works on it")


def test_a_job_deleted_by_hand_is_made_again(training, cluster, namespace, stub, assert_intact):
    job, working, gate = training
    cluster.kubectl("-n", namespace, "delete", "job", job["metadata"]["name"], "--wait=false")
    other_pod(stub, working)
    gate.set()
    assert_intact()


def test_a_job_deleted_with_no_grace_for_its_pod_is_made_again(
    training, cluster, namespace, pods, stub, assert_intact
):
    job, working, gate = training
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs/{job['metadata']['name']}"
    cluster.client.delete(path)
    pods.delete(working.pod, grace=0)
    other_pod(stub, working)
    gate.set()
    assert_intact()


@pytest.mark.parametrize(
    "spec", [{"parallelism": 0}, {"suspend": True}], ids=["parallelism", "suspend"]
)
def test_a_job_edited_so_that_it_cannot_go_on_is_made_again(
    training, change, stub, job_of, assert_intact, cluster, namespace, spec
):
    job, working, gate = training
    change(job["metadata"]["name"], {"spec": spec})
    other_pod(stub, working)
    assert job_of("train")["metadata"]["uid"] != job["metadata"]["uid"]
    gate.set()
    assert_intact()
    assert any("was edited" in event["note"] for event in cluster.events(namespace, "JobEdited"))


@pytest.mark.parametrize("part", ["all", "membership"])
def test_a_job_whose_labels_were_removed_gets_them_back_and_goes_on(
    training, change, stub, store, job_of, assert_intact, part
):
    job, working, gate = training
    labels = job["metadata"]["labels"]
    removed = [name for name in labels if part == "all" or name.startswith("member.clt.dev/")]
    change(job["metadata"]["name"], {"metadata": {"labels": dict.fromkeys(removed)}})

    def given_back() -> bool:
        found = job_of("train")
        return found["metadata"]["labels"].items() >= labels.items()

    until(given_back, 30, what="the labels are back")
    assert job_of("train")["metadata"]["uid"] == job["metadata"]["uid"]
    key = working.doing.key
    gate.set()
    assert_intact()
    assert outcomes(store, key) == ["committed"]


def test_a_job_whose_owner_was_removed_is_owned_again(
    training, change, job_of, experiments, assert_intact
):
    job, _, gate = training
    change(job["metadata"]["name"], {"metadata": {"ownerReferences": []}})
    uid = experiments.get()["metadata"]["uid"]

    def owned() -> bool:
        owners = job_of("train")["metadata"].get("ownerReferences", [])
        return [owner["uid"] for owner in owners] == [uid]

    until(owned, 30, what="the experiment owns the Job again")
    gate.set()
    assert_intact()


def test_a_deadline_set_by_hand_is_told_as_what_it_is(training, change, stub, store, assert_intact):
    job, working, gate = training
    key = working.doing.key
    change(job["metadata"]["name"], {"spec": {"activeDeadlineSeconds": 1}})
    other_pod(stub, working)
    gate.set()
    assert_intact(charged={"failed": 1})
    assert any("deadline of 1 s" in s.outcome.message for s in store.artifacts.attempts(key))


def test_a_job_completed_by_hand_while_its_pod_works_costs_nothing(
    training, change, stub, store, assert_intact
):
    job, working, gate = training
    key = working.doing.key
    complete_by_hand(change, job["metadata"]["name"])
    other_pod(stub, working)
    gate.set()
    assert_intact()
    assert outcomes(store, key) == ["saved", "committed"]


def test_a_job_completed_by_hand_whose_pod_does_not_listen_costs_nothing(
    operator, experiments, stub, job_of, change, store, assert_intact
):
    stub.add(kind="train", labels={"stage": "base"}, ends="deaf", times=1)
    experiments.create(with_compute(tiny_study(), "train", graceSeconds=2))
    working = stub.working("train")
    key = working.doing.key
    complete_by_hand(change, job_of("train")["metadata"]["name"])
    assert_intact()
    assert outcomes(store, key) == ["lost", "committed"]


def complete_by_hand(change, name: str) -> None:
    """The status that a Job has after its end, although its pod has not ended."""
    time = "2030-01-01T00:00:00Z"
    conditions = [
        {"type": kind, "status": "True", "lastProbeTime": time, "lastTransitionTime": time}
        for kind in ("SuccessCriteriaMet", "Complete")
    ]
    status = {
        "conditions": conditions,
        "completionTime": time,
        "succeeded": 1,
        "active": 0,
        "ready": 0,
        "terminating": 0,
    }
    change(name, {"status": status}, "/status")
