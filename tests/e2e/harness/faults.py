"""What happens to pods on a real node: deleted, evicted with their node, killed for memory."""

import time
from collections.abc import Iterable
from typing import Any

from cluster.harness.cluster import Cluster
from cluster.harness.waiting import until
from e2e.harness import cgroups

Json = dict[str, Any]
KIND = "clt.dev/kind"
JOBS = "app.kubernetes.io/name=clt"
RUNS_SECONDS = 300
END_SECONDS = 120


class Faults:
    """Faults in the pods of one namespace."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster, self.namespace = cluster, namespace
        self._pods = cluster.pods(namespace)

    def running(self, kind: str, unlike: Iterable[str] = (), says: str = "") -> Json:
        """A pod of a step kind whose container runs and has printed ``says``, as soon as there
        is one; none of the uids ``unlike``."""

        def found() -> Json | None:
            for pod in self._pods.all(f"{KIND}={kind}"):
                metadata = pod["metadata"]
                if metadata["uid"] in unlike or "deletionTimestamp" in metadata:
                    continue
                if _started(pod) and (not says or says in self._log(metadata["name"])):
                    return pod
            return None

        return until(found, RUNS_SECONDS, what=f"a pod of {kind} runs", pause=0.2)

    def _log(self, pod: str) -> str:
        try:
            return self._cluster.kubectl("logs", "-n", self.namespace, pod)
        except AssertionError:  # gone meanwhile
            return ""

    def delete(self, pod: Json) -> None:
        """As somebody does by hand; returns when it is gone."""
        self._pods.delete(pod["metadata"]["name"])
        self._wait_gone(pod)

    def drain(self, pod: Json) -> None:
        """Takes the pods of Jobs off the node of this one; it takes pods again afterwards."""
        node, kubectl = pod["spec"]["nodeName"], self._cluster.kubectl
        try:
            kubectl("drain", node, f"--pod-selector={JOBS}", "--delete-emptydir-data")
        finally:
            kubectl("uncordon", node)

    def run_out_of_memory(self, pod: Json) -> None:
        """Leaves its container no memory to grow into; returns when the kernel killed it."""
        container = pod["status"]["containerStatuses"][0]["containerID"].rpartition("/")[2]
        deadline = time.monotonic() + END_SECONDS
        while True:
            try:
                cgroups.squeeze(container)
            except LookupError:
                return
            assert time.monotonic() < deadline, "the container never asked for more memory"
            time.sleep(0.02)

    def _wait_gone(self, pod: Json) -> None:
        uid, path = pod["metadata"]["uid"], pod["metadata"]["name"]

        def gone() -> bool:
            there = {p["metadata"]["uid"]: p for p in self._pods.all()}
            return uid not in there or _ended(there[uid])

        until(gone, END_SECONDS, what=f"the pod {path} has ended")


def _started(pod: Json) -> bool:
    statuses = pod["status"].get("containerStatuses", [])
    return any("running" in status["state"] for status in statuses)


def _ended(pod: Json) -> bool:
    return pod["status"].get("phase") in ("Succeeded", "Failed")
