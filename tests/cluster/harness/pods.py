"""What can happen to a pod, done as Kubernetes and its kubelets would do it.

The container's end is a status that the kubelet would write; an eviction goes through the
eviction API, so that the pod gets its DisruptionTarget condition from Kubernetes itself.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from cluster.harness.client import Client, Json, patiently
from cluster.harness.nodes import NODES

KILLED = 137  # by SIGKILL
FOUND = "clt.test/found"


class Pods:
    """The pods of one namespace."""

    def __init__(self, client: Client, namespace: str) -> None:
        self._client = client
        self.path = f"/api/v1/namespaces/{namespace}/pods"

    def all(self, labels: str = "", phase: str = "") -> list[Json]:
        query = {"labelSelector": labels} if labels else {}
        found = self._client.items(self.path, **query)
        return [pod for pod in found if not phase or pod["status"].get("phase") == phase]

    def of_job(self, job: str) -> list[Json]:
        return self.all(f"batch.kubernetes.io/job-name={job}")

    def end(self, name: str, code: int, reason: str = "", message: str = "") -> None:
        """The container ends with an exit code; the pod Succeeds with 0, else Fails."""
        self._change(name, lambda pod: ended(pod, code, reason, message))

    def oom(self, name: str) -> None:
        """The kernel kills the container for its memory."""
        self.end(name, KILLED, "OOMKilled")

    def evict(self, name: str) -> None:
        """Through the eviction API, as a drain does: DisruptionTarget, then deletion with its
        grace."""
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": name, "namespace": self.path.split("/")[4]},
        }
        self._client.create(f"{self.path}/{name}/eviction", body)

    def delete(self, name: str, *, grace: int | None = None) -> None:
        """By hand: no condition says why."""
        options = {} if grace is None else {"gracePeriodSeconds": grace}
        self._client.delete(f"{self.path}/{name}", **options)

    def found(self, name: str) -> None:
        """What the pod waits for is there now, see ``stages.yaml``: it starts."""
        self._client.patch(f"{self.path}/{name}", {"metadata": {"annotations": {FOUND: "true"}}})

    def lose_node(self, node: str) -> None:
        """The node is deleted, and each of its pods here is failed and removed at once, as the
        pod garbage collector does after its quarantine of 40 s."""
        self._client.delete(f"{NODES}/{node}")
        for pod in self.all():
            if pod["spec"].get("nodeName") == node and pod["status"]["phase"] in (
                "Pending",
                "Running",
            ):
                self._change(pod["metadata"]["name"], orphaned)
                self.delete(pod["metadata"]["name"], grace=0)

    def _change(self, name: str, change: Callable[[Json], Json]) -> None:
        path = f"{self.path}/{name}"
        pod = self._client.get(path)
        body = {"status": change(pod)}
        patiently(lambda: self._client.patch(f"{path}/status", body, "strategic"))


def ended(pod: Json, code: int, reason: str = "", message: str = "") -> Json:
    """The status of a pod all of whose containers ended with ``code``."""
    why = reason or ("Completed" if code == 0 else "Error")
    time = now()
    state: dict[str, Any] = {"exitCode": code, "reason": why, "finishedAt": time}
    if message:
        state["message"] = message
    before = {s["name"]: s for s in pod.get("status", {}).get("containerStatuses", ())}
    statuses = []
    for container in pod["spec"]["containers"]:
        was = before.get(container["name"], {})
        started = was.get("state", {}).get("running", {}).get("startedAt", time)
        statuses.append(
            {
                "name": container["name"],
                "image": container["image"],
                "imageID": was.get("imageID", container["image"]),
                "ready": False,
                "started": False,
                "restartCount": 0,
                "state": {"running": None, "terminated": {**state, "startedAt": started}},
            }
        )
    over = "PodCompleted" if code == 0 else "PodFailed"
    conditions = [
        {"type": kind, "status": "False", "reason": over, "lastTransitionTime": time}
        for kind in ("Ready", "ContainersReady")
    ]
    return {
        "phase": "Succeeded" if code == 0 else "Failed",
        "conditions": conditions,
        "containerStatuses": statuses,
    }


def orphaned(pod: Json) -> Json:
    """The status that the pod garbage collector gives to a pod without a node."""
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "reason": "DeletionByPodGC",
        "message": "PodGC: node no longer exists",
        "lastTransitionTime": now(),
    }
    return {"phase": "Failed", "conditions": [condition]}


def now() -> str:
    """The time as Kubernetes writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
