"""Faults of Jobs that wait in a queue of Kueue."""

import pytest
from cluster.faults.studies import tiny_study, with_compute
from cluster.faults.test_fault_limits import most_jobs
from cluster.harness.steps import fetch_steps, job_of, launch
from cluster.harness.waiting import until

__all__ = ["most_jobs"]

CPUS = 4


@pytest.fixture
def queue(kueue, namespace, profiles, start_operator):
    """A queue for some CPUs, which all Jobs of the operator wait in."""
    name = kueue.queue(namespace, cpu=str(CPUS))
    profiles(queue=name, limits={"outstandingJobs": 3})
    start_operator()
    return name


def test_a_training_preempted_by_kueue_saves_and_goes_on(
    kueue, queue, cluster, namespace, experiments, stub, store, assert_intact
):
    gate = stub.hold(kind="train")
    experiments.create(with_compute(tiny_study(), "train", cpus=CPUS))
    preempted = stub.working("train")
    key = preempted.doing.key
    (step,) = fetch_steps(1)
    urgent = job_of([step], namespace, store, queue=queue)
    urgent["metadata"]["labels"]["kueue.x-k8s.io/priority-class"] = kueue.priority("urgent", 100)
    name = launch(cluster.client, store, urgent, [step])
    until(lambda: step.key in store.artifacts.committed(), 60, what="the urgent Job has run")
    until(lambda: stub.working("train").uid != preempted.uid, 60, what="it works on it again")
    gate.set()
    assert_intact()
    ended = [state.outcome.outcome for state in store.artifacts.attempts(key)]
    assert ended == ["saved", "committed"]
    assert name in {job["metadata"]["name"] for job in cluster.jobs(namespace)}


def test_a_study_whose_queue_is_full_says_that_it_waits(
    kueue, queue, cluster, namespace, experiments, stub, store, most_jobs, assert_intact
):
    gate = stub.hold(kind="fetch")
    others = fetch_steps(CPUS)
    for step in others:
        launch(cluster.client, store, job_of([step], namespace, store, queue=queue), [step])
    until(lambda: len(kueue.admitted(namespace)) == CPUS, 60, what="they take all of the quota")
    experiments.create(tiny_study())
    experiments.wait("Progressing", "False", reason="WaitingForQuota")
    gate.set()
    assert_intact()
    assert most_jobs() <= 3 + len(others)
