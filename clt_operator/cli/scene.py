"""What a cluster shows of an experiment's Jobs, read once, for ``describe`` and ``logs``."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from clt_operator.cli.live import Object

if TYPE_CHECKING:
    from clt_operator.cluster.api import Api
    from clt_operator.cluster.pending import Scene
    from clt_operator.cluster.queueing import Queues
    from clt_operator.cluster.resources import Resource

JOB_UID = "kueue.x-k8s.io/job-uid"


def jobs_of(api: "Api", namespace: str, name: str) -> list[Object]:
    """The Jobs that carry steps of an experiment and have not ended."""
    from clt_operator.api.profiles import Owner
    from clt_operator.cluster.resources import JOBS

    found = api.list(JOBS, namespace, labels=f"{Owner(name).label}=true")
    return [job for job in found if not _ended(job)]


def pods_of(api: "Api", namespace: str, jobs: Iterable[Object]) -> dict[str, list[Object]]:
    """The pods of Jobs, by the uid of their Job."""
    from clt_operator.cluster.resources import MANAGED, PODS

    wanted = {job["metadata"]["uid"] for job in jobs}
    pods: dict[str, list[Object]] = defaultdict(list)
    if wanted:
        for pod in api.list(PODS, namespace, labels=MANAGED):
            for owner in pod["metadata"].get("ownerReferences") or ():
                if owner["uid"] in wanted:
                    pods[owner["uid"]].append(pod)
    return dict(pods)


def scene_of(api: "Api", namespace: str, jobs: Sequence[Object]) -> "Scene":
    """All that tells why these Jobs wait. What this user may not read is left out."""
    from clt_operator.cluster.pending import Scene
    from clt_operator.cluster.queueing import Queues

    pods = pods_of(api, namespace, jobs)
    suspended = [job for job in jobs if job.get("spec", {}).get("suspend")]
    bare = any(job["metadata"]["uid"] not in pods for job in jobs if job not in suspended)
    queues, workloads = _kueue(api, namespace) if suspended else (Queues(), {})
    return Scene(
        jobs=jobs,
        pods=pods,
        workloads=workloads,
        events=_refusals(api, namespace) if bare else {},
        queues=queues,
        nodes=_nodes(api, pods),
    )


def _kueue(api: "Api", namespace: str) -> tuple["Queues", dict[str, Object]]:
    """The queues, and the Workloads by the uid of their Job."""
    from clt_operator.cluster.queueing import Queues
    from clt_operator.cluster.resources import CLUSTER_QUEUES, KUEUE, LOCAL_QUEUES, WORKLOADS

    served = api.served(KUEUE)
    if "workloads" not in served:
        return Queues(served=False), {}
    local = _readable(api, LOCAL_QUEUES.at(served["localqueues"]), namespace)
    cluster = _readable(api, CLUSTER_QUEUES.at(served["clusterqueues"]), "")
    found = _readable(api, WORKLOADS.at(served["workloads"]), namespace) or []
    workloads = {
        str((item["metadata"].get("labels") or {}).get(JOB_UID) or _owner(item)): item
        for item in found
    }
    return Queues(local=_by_name(local), cluster=_by_name(cluster)), workloads


def _owner(item: Object) -> str:
    owners = item["metadata"].get("ownerReferences") or ()
    return next((owner["uid"] for owner in owners if owner.get("kind") == "Job"), "")


def _refusals(api: "Api", namespace: str) -> dict[str, list[Object]]:
    """Events that say why pods were not made, by the uid of their Job."""
    from clt_operator.cluster.resources import EVENTS

    events: dict[str, list[Object]] = defaultdict(list)
    for event in _readable(api, EVENTS, namespace, fields="reason=FailedCreate") or ():
        events[str((event.get("regarding") or {}).get("uid"))].append(event)
    return dict(events)


def _nodes(api: "Api", pods: dict[str, list[Object]]) -> list[Object] | None:
    """A node for each node selector of the waiting pods that has one; None: not readable."""
    from clt_operator.cluster.errors import Forbidden
    from clt_operator.cluster.resources import NODES

    waiting = [pod for each in pods.values() for pod in each if not pod["spec"].get("nodeName")]
    selectors = {
        ",".join(f"{name}={value}" for name, value in sorted(selector.items()))
        for pod in waiting
        if (selector := pod["spec"].get("nodeSelector"))
    }
    found = []
    for labels in sorted(selectors):
        try:
            found += [node for node, _ in zip(api.list(NODES, labels=labels, page=1), "1")]  # noqa: B905
        except Forbidden:
            return None
    return found


def _readable(
    api: "Api", resource: "Resource", namespace: str, *, fields: str = ""
) -> list[Object] | None:
    from clt_operator.cluster.errors import Forbidden

    try:
        return list(api.list(resource, namespace, fields=fields))
    except Forbidden:
        return None


def _by_name(items: list[Object] | None) -> dict[str, Object] | None:
    return None if items is None else {item["metadata"]["name"]: item for item in items}


def _ended(job: Object) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(c["type"] in ("Complete", "Failed") and c["status"] == "True" for c in conditions)
