"""Kueue holds Jobs by quota and preempts them, webhooks included."""

import pytest
from cluster.harness.client import Refused
from cluster.harness.steps import fetch_steps, job_of, launch
from cluster.harness.waiting import until


@pytest.fixture
def submit(cluster, namespace, store):
    """Launches a Job of one step, of 1 CPU, in a queue; its name."""
    steps = iter(fetch_steps(10))

    def launched(queue: str, priority: str = "") -> str:
        step = next(steps)
        job = job_of([step], namespace, store, queue=queue)
        if priority:
            job["metadata"]["labels"]["kueue.x-k8s.io/priority-class"] = priority
        return launch(cluster.client, store, job, [step])

    return launched


def suspended(cluster, namespace) -> dict[str, bool]:
    return {j["metadata"]["name"]: j["spec"]["suspend"] for j in cluster.jobs(namespace)}


def test_the_second_of_two_jobs_waits_for_the_quota_of_the_first(
    cluster, kueue, namespace, stub, submit
):
    gate = stub.hold()
    queue = kueue.queue(namespace, cpu="1")
    first = submit(queue)
    stub.working()
    second = submit(queue)
    until(lambda: len(kueue.workloads(namespace)) == 2, 30, what="two workloads")
    assert kueue.admitted(namespace) == [first]
    assert suspended(cluster, namespace) == {first: False, second: True}
    gate.set()
    until(lambda: sum(stub.commits().values()) == 2, 60, what="both Jobs committed")


def test_a_job_of_higher_priority_preempts_one_that_runs(kueue, namespace, stub, submit):
    gate = stub.hold()
    queue = kueue.queue(namespace, cpu="1")
    submit(queue, kueue.priority("low", 1))
    preempted = stub.working().pod
    urgent = submit(queue, kueue.priority("high", 100))
    until(lambda: kueue.admitted(namespace) == [urgent], 60, what="the urgent Job is admitted")
    until(lambda: "saved" in [r.outcome for r in stub.records], 30, what="the other one saved")
    assert preempted not in [stub.working().pod]
    gate.set()
    until(lambda: sum(stub.commits().values()) == 2, 60, what="both Jobs committed")


def test_kueue_checks_what_it_is_given(cluster, kueue, namespace):
    name = kueue.queue(namespace, cpu="1")
    path = f"/apis/kueue.x-k8s.io/v1beta2/clusterqueues/{namespace}-{name}"
    groups = cluster.client.get(path)["spec"]["resourceGroups"]
    groups[0]["flavors"][0]["resources"].reverse()
    with pytest.raises(Refused, match="resources"):
        cluster.client.patch(path, {"spec": {"resourceGroups": groups}})


def test_older_versions_of_its_objects_are_converted(cluster, kueue, namespace):
    kueue.queue(namespace, cpu="1")
    listed = cluster.client.items(
        f"/apis/kueue.x-k8s.io/v1beta1/namespaces/{namespace}/localqueues"
    )
    assert [queue["metadata"]["name"] for queue in listed] == ["team"]
