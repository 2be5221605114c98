"""Why is it pending: one sentence for each cause, with the next step."""

from typing import Any

import pytest

from clt_operator.cluster.pending import Scene, why_pending
from clt_operator.cluster.queueing import Queues

Object = dict[str, Any]
QUOTA = (
    "couldn't assign flavors to pod set main: insufficient unused quota for nvidia.com/gpu in "
    "flavor a100, 8 more needed"
)


def job(at: int = 0, *, queue: str = "", suspend: bool = False, **more: Any) -> Object:
    metadata: Object = {
        "name": f"clt-train-{at}",
        "uid": f"job-{at}",
        "creationTimestamp": f"2026-01-01T00:00:{at % 60:02}Z",
        "labels": {"kueue.x-k8s.io/queue-name": queue} if queue else {},
        **more,
    }
    return {"metadata": metadata, "spec": {"suspend": suspend}, "status": {}}


def held(at: int = 0) -> Object:
    return job(at, queue="gpu", suspend=True)


def condition(kind: str, status: str, reason: str = "", message: str = "") -> Object:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def workload(*conditions: Object, active: bool = True, **status: Any) -> Object:
    return {
        "metadata": {"name": "job-clt-train-0-1a2b3"},
        "spec": {"active": active, "queueName": "gpu"},
        "status": {"conditions": list(conditions), **status},
    }


def local_queue(**spec: Any) -> Object:
    return {"metadata": {"name": "gpu"}, "spec": {"clusterQueue": "shared", **spec}}


def cluster_queue(*conditions: Object, **spec: Any) -> Object:
    return {
        "metadata": {"name": "shared"},
        "spec": spec,
        "status": {"conditions": list(conditions)},
    }


QUEUES = Queues(local={"gpu": local_queue()}, cluster={"shared": cluster_queue()})


def pod(*conditions: Object, waiting: Object | None = None, **more: Any) -> Object:
    status: Object = {"phase": "Pending", "conditions": list(conditions)}
    if waiting is not None:
        status["containerStatuses"] = [
            {"name": "steps", "image": "registry/clt-jobs:1", "state": {"waiting": waiting}}
        ]
    return {"metadata": {"name": "p"}, "spec": more, "status": status}


def told(scene: Scene) -> str:
    (cause,) = why_pending(scene)
    return cause.text


def of_workload(found: Object | None, queues: Queues = QUEUES) -> str:
    workloads = {"job-0": found} if found else {}
    return told(Scene([held()], workloads=workloads, queues=queues))


def of_pod(found: Object, **scene: Any) -> str:
    return told(Scene([job()], pods={"job-0": [found]}, **scene))


# Kueue


def test_jobs_that_wait_for_the_same_quota_are_told_together():
    waits = workload(condition("QuotaReserved", "False", "WaitingForQuota", QUOTA))
    jobs = [held(at) for at in range(96)]
    scene = Scene(jobs, workloads={f"job-{at}": waits for at in range(96)}, queues=QUEUES)
    (cause,) = why_pending(scene)
    assert cause.text == (
        "96 Jobs wait for quota in ClusterQueue shared: insufficient unused quota for "
        "nvidia.com/gpu in flavor a100, 8 more needed"
    )
    assert cause.next == "they start when others end, or when the queue gets more quota"
    assert cause.job == "clt-train-0"


def test_older_versions_of_kueue_say_only_pending():
    waits = workload(condition("QuotaReserved", "False", "Pending", QUOTA))
    assert of_workload(waits).startswith("1 Job waits for quota in ClusterQueue shared: insuff")


def test_numbers_alone_make_no_second_cause():
    workloads = {
        f"job-{at}": workload(
            condition("QuotaReserved", "False", "WaitingForQuota", QUOTA.replace("8", str(at)))
        )
        for at in range(3)
    }
    (cause,) = why_pending(Scene([held(at) for at in range(3)], workloads=workloads, queues=QUEUES))
    assert cause.count == 3


def test_a_request_beyond_all_quota_waits_for_ever_and_is_told_so():
    message = (
        "couldn't assign flavors to pod set main: insufficient quota for cpu in flavor default, "
        "previously considered podsets requests (0) + current podset request (96) > maximum "
        "capacity (64)"
    )
    waits = workload(condition("QuotaReserved", "False", "ExceedsMaxQuota", message))
    (cause,) = why_pending(Scene([held()], workloads={"job-0": waits}, queues=QUEUES))
    assert cause.text == (
        "1 Job asks ClusterQueue shared for more than it can ever give: insufficient quota for cpu "
        "in flavor default, asked for (96) > maximum capacity (64)"
    )
    assert cause.next.endswith("without either they wait for ever")


@pytest.mark.parametrize(
    ("queues", "text"),
    [
        (Queues(served=False), "1 Job waits for queue gpu, and this cluster has no Kueue"),
        (
            Queues(local={"cpu": local_queue(), "big": local_queue()}),
            "1 Job waits for queue gpu, which is not in this namespace (it has: big, cpu)",
        ),
        (
            Queues(local={"gpu": local_queue(stopPolicy="Hold")}, cluster=None),
            "1 Job waits for queue gpu, which is stopped (Hold)",
        ),
        (
            Queues(local={"gpu": local_queue()}, cluster={}),
            "1 Job waits for queue gpu, whose ClusterQueue shared does not exist",
        ),
        (
            Queues(
                local={"gpu": local_queue()},
                cluster={"shared": cluster_queue(stopPolicy="HoldAndDrain")},
            ),
            "1 Job waits for ClusterQueue shared, which is stopped (HoldAndDrain)",
        ),
        (
            Queues(
                local={"gpu": local_queue(stopPolicy="None")},
                cluster={
                    "shared": cluster_queue(
                        condition(
                            "Active",
                            "False",
                            "FlavorNotFound",
                            "Can't admit new workloads: references missing ResourceFlavor(s): a.",
                        )
                    )
                },
            ),
            "1 Job waits for ClusterQueue shared, which is not active: Can't admit new workloads: "
            "references missing ResourceFlavor(s): a",
        ),
    ],
    ids=["no Kueue", "no queue", "stopped", "no cluster queue", "stopped above", "inactive above"],
)
def test_a_queue_that_admits_nothing(queues, text):
    waits = workload(condition("QuotaReserved", "False", "Misconfigured", "LocalQueue is missing"))
    assert of_workload(waits, queues) == text


def test_queues_that_cannot_be_read_leave_what_the_workload_says():
    waits = workload(condition("QuotaReserved", "False", "WaitingForQuota", QUOTA))
    text = of_workload(waits, Queues(local=None, cluster=None))
    assert text.startswith("1 Job waits for quota in queue gpu: insufficient unused quota")


def test_a_deactivated_workload():
    evicted = condition("Evicted", "True", "Deactivated", "The workload is deactivated.")
    (cause,) = why_pending(
        Scene([held()], workloads={"job-0": workload(evicted, active=False)}, queues=QUEUES)
    )
    assert cause.text == "1 Job was deactivated in queue gpu (The workload is deactivated)"
    assert cause.next.startswith("kubectl patch workload job-clt-train-0-1a2b3 ")


def test_admission_checks_are_named():
    reserved = condition("QuotaReserved", "True", "QuotaReserved")
    checks = [
        {"name": "nodes", "state": "Pending", "message": "waiting for 2 nodes"},
        {"name": "budget", "state": "Ready"},
    ]
    assert of_workload(workload(reserved, admissionChecks=checks)) == (
        "1 Job has quota in ClusterQueue shared, not yet its checks: nodes (waiting for 2 nodes)"
    )


def test_kueue_has_not_seen_a_job_yet_or_has_admitted_it_just_now():
    assert of_workload(None) == "1 Job waits for Kueue to take note of it (queue gpu)"
    admitted = workload(condition("QuotaReserved", "True"), condition("Admitted", "True"))
    assert of_workload(admitted) == "1 Job was admitted by ClusterQueue shared a moment ago"


def test_a_job_that_somebody_suspended():
    assert told(Scene([job(suspend=True)])) == "1 Job is suspended by hand, without a queue"


# pods


def test_a_resource_quota_keeps_pods_from_being_made():
    note = (
        'Error creating: pods "clt-train-0-x" is forbidden: exceeded quota: team, requested: '
        "limits.memory=64Gi, used: limits.memory=96Gi, limited: limits.memory=128Gi"
    )
    event = {"reason": "FailedCreate", "note": note, "type": "Warning"}
    scene = Scene([job(0), job(1)], events={"job-0": [event], "job-1": [event]})
    assert told(scene) == (
        "2 Jobs have no room in the namespace's ResourceQuota: exceeded quota: team, requested: "
        "limits.memory=64Gi, used: limits.memory=96Gi, limited: limits.memory=128Gi"
    )


def test_other_reasons_for_which_a_pod_is_not_made():
    policy = 'Error creating: pods "x" is forbidden: violates PodSecurity "restricted:latest"'
    event = {"reason": "FailedCreate", "note": policy}
    assert "refused by the namespace's policy" in told(Scene([job()], events={"job-0": [event]}))
    event = {"reason": "FailedCreate", "note": "Error creating: internal error"}
    assert told(Scene([job()], events={"job-0": [event]})) == "1 Job gets no pods: internal error"
    assert told(Scene([job()])) == "1 Job waits for its pods to be made"


def test_the_latest_refusal_counts():
    events = [
        {"reason": "FailedCreate", "note": "second", "eventTime": "2026-01-01T00:00:02Z"},
        {"reason": "FailedCreate", "note": "first", "eventTime": "2026-01-01T00:00:01Z"},
        {"reason": "SuccessfulCreate", "note": "x", "eventTime": "2026-01-01T00:00:03Z"},
    ]
    assert told(Scene([job()], events={"job-0": events})) == "1 Job gets no pods: second"


UNSCHEDULABLE = condition(
    "PodScheduled",
    "False",
    "Unschedulable",
    "0/3 nodes are available: 3 Insufficient nvidia.com/gpu. preemption: 0/3 nodes are available.",
)


def test_the_scheduler_is_quoted():
    assert of_pod(pod(UNSCHEDULABLE)) == (
        "1 Job finds no node: 0/3 nodes are available: 3 Insufficient nvidia.com/gpu"
    )


def test_a_pool_without_nodes_is_named_by_its_labels():
    waits = pod(UNSCHEDULABLE, nodeSelector={"clt.dev/pool": "a100"})
    other = {"metadata": {"labels": {"clt.dev/pool": "cpu"}}}
    right = {"metadata": {"labels": {"clt.dev/pool": "a100", "zone": "b"}}}
    assert (
        of_pod(waits, nodes=[other])
        == "1 Job needs a node with clt.dev/pool=a100, and there is none"
    )
    assert of_pod(waits, nodes=[other, right]).startswith("1 Job finds no node: 0/3")
    assert of_pod(waits, nodes=None).startswith("1 Job finds no node: 0/3")


def test_scheduling_gates():
    gated = condition("PodScheduled", "False", "SchedulingGated", "Scheduling is blocked")
    found = pod(gated, schedulingGates=[{"name": "example.com/hold"}])
    assert of_pod(found) == "1 Job waits for scheduling gates: example.com/hold"


@pytest.mark.parametrize("reason", ["ErrImagePull", "ImagePullBackOff", "InvalidImageName"])
def test_an_image_that_cannot_be_had(reason):
    found = pod(waiting={"reason": reason, "message": "not found"}, nodeName="n1")
    assert of_pod(found) == "1 Job cannot get its image registry/clt-jobs:1: not found"


def test_a_missing_secret():
    waiting = {"reason": "CreateContainerConfigError", "message": 'secret "store" not found'}
    assert (
        of_pod(pod(waiting=waiting)) == "1 Job needs secret store, which is not in this namespace"
    )
    waiting = {"reason": "CreateContainerError", "message": "no space left"}
    assert of_pod(pod(waiting=waiting)) == "1 Job cannot start: CreateContainerError: no space left"


def test_a_pod_on_its_way():
    assert of_pod(pod(nodeName="n1", waiting={"reason": "ContainerCreating"})) == (
        "1 Job is starting on n1"
    )
    assert of_pod(pod()) == "1 Job waits to be scheduled"


def test_running_and_ended_pods_are_no_cause():
    running = {"metadata": {"name": "p"}, "spec": {}, "status": {"phase": "Running"}}
    assert why_pending(Scene([job()], pods={"job-0": [running]})) == []
    failed = {"metadata": {"name": "p"}, "spec": {}, "status": {"phase": "Failed"}}
    assert told(Scene([job()], pods={"job-0": [failed]})) == "1 Job waits for its pods to be made"


def test_a_job_that_is_being_stopped():
    stopping = job(deletionTimestamp="2026-01-01T00:00:00Z")
    assert told(Scene([stopping])) == "1 Job is being stopped: its pods save and end"


# together


def test_causes_are_told_by_how_many_jobs_they_hold():
    waits = workload(condition("QuotaReserved", "False", "WaitingForQuota", QUOTA))
    jobs = [job(0), *(held(at) for at in range(1, 4))]
    scene = Scene(
        jobs,
        pods={"job-0": [pod(UNSCHEDULABLE)]},
        workloads={f"job-{at}": waits for at in range(1, 4)},
        queues=QUEUES,
    )
    assert [(c.count, c.text.split(":")[0]) for c in why_pending(scene)] == [
        (3, "3 Jobs wait for quota in ClusterQueue shared"),
        (1, "1 Job finds no node"),
    ]
    assert why_pending(Scene([])) == []


def test_long_messages_are_cut():
    waiting = {"reason": "ErrImagePull", "message": "x" * 5000}
    assert len(of_pod(pod(waiting=waiting))) < 500
