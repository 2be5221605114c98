"""Fake nodes: KWOK keeps them ready and plays the kubelet by the stages beside this file.

Two pools, told apart by the label ``clt.dev/pool``: ``cpu`` and ``gpu`` (eight GPUs a node).
"""

from pathlib import Path
from typing import Any

from cluster.harness.binaries import Binaries
from cluster.harness.client import Client
from cluster.harness.processes import Program, free_port
from cluster.harness.waiting import until

STAGES = Path(__file__).with_name("stages.yaml")
LEASE_SECONDS = 40
NODES = "/api/v1/nodes"
POOLS = {"cpu": {}, "gpu": {"nvidia.com/gpu": "8"}}
AMOUNTS = {"cpu": "64", "memory": "256Gi", "pods": "1000", "ephemeral-storage": "1Ti"}


def kwok(directory: Path, binaries: Binaries, kubeconfig: Path) -> Program:
    """The program, not started."""
    return Program(
        "kwok",
        [
            binaries["kwok"],
            f"--kubeconfig={kubeconfig}",
            f"--config={STAGES}",
            "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
            f"--node-lease-duration-seconds={LEASE_SECONDS}",
            "--cidr=10.200.0.1/16",
            "--node-ip=10.0.0.1",
            f"--server-address=127.0.0.1:{free_port()}",
        ],
        directory,
    )


class Nodes:
    """The nodes of a cluster; ``client`` must be an administrator."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def add(self, name: str, pool: str = "cpu", **amounts: str) -> None:
        """A node of a pool; ``amounts`` change what it offers (``cpu="4"``). Waits until it
        is ready and free of taints."""
        self._client.create(NODES, _node(name, pool, {**AMOUNTS, **POOLS[pool], **amounts}))
        until(lambda: self._is_ready(name), 30, what=f"node {name} is ready")

    def remove(self, name: str) -> None:
        """The node is gone, its pods with it: Kubernetes notices by itself, after a minute or
        so, that the pods have no node (``lose`` of ``pods`` does at once what it would do)."""
        self._client.delete(f"{NODES}/{name}")

    def names(self, labels: str = "") -> list[str]:
        query = {"labelSelector": labels} if labels else {}
        return [node["metadata"]["name"] for node in self._client.items(NODES, **query)]

    def _is_ready(self, name: str) -> bool:
        node = self._client.get(f"{NODES}/{name}")
        ready = any(
            c["type"] == "Ready" and c["status"] == "True"
            for c in node.get("status", {}).get("conditions", ())
        )
        return ready and not node["spec"].get("taints")


def _node(name: str, pool: str, amounts: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake", "node.alpha.kubernetes.io/ttl": "0"},
            "labels": {
                "clt.dev/pool": pool,
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "type": "kwok",
            },
        },
        "status": {"allocatable": amounts, "capacity": amounts},
    }
