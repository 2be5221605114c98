"""Where the control plane is measured: a cluster of its own, a store, one operator a namespace.

Everything is the harness of ``tests/cluster``: real API server, etcd, controllers and scheduler,
KWOK nodes, versitygw as store, and the stub that plays the pods as a process of its own.
"""

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from cluster.harness.binaries import build
from cluster.harness.client import patiently
from cluster.harness.cluster import Cluster, own_cluster
from cluster.harness.experiments import Experiments
from cluster.harness.operator import RULES, Operator
from cluster.harness.processes import Program
from cluster.harness.profiles import STORE, write_profiles
from cluster.harness.store import Gateway, Store
from cluster.harness.waiting import until
from measured import ROOT
from services import versitygw

from clt_operator.api.crd import crd

HERE = Path(__file__).parent
PATIENCE = 900.0  # seconds for a study of some thousand stub steps
NODES = ("cpu-0", "cpu-1")
ROOM = {"cpu": "4000", "memory": "16000Gi", "pods": "20000"}  # of a node: nothing waits for one
LIMITS = {"steps": 20_000, "outstandingJobs": 20_000, "launchesPerSecond": 100_000}


@dataclass
class Place:
    """A namespace with profiles, a store and an operator's account. ``folder`` is where the
    store's objects lie on this machine."""

    cluster: Cluster
    namespace: str
    store: Store
    folder: Path
    kubeconfig: Path
    directory: Path
    operators: list[Operator] = field(default_factory=list)

    @property
    def experiments(self) -> Experiments:
        return Experiments(self.cluster.client, self.namespace)

    @property
    def jobs_path(self) -> str:
        return f"/apis/batch/v1/namespaces/{self.namespace}/jobs"

    @property
    def user(self) -> str:
        """Of the operator and of its rivals, as the audit log names it."""
        return f"system:serviceaccount:{self.namespace}:operator"

    def operator(self) -> Operator:
        """A new one, started, leading."""
        made = Operator(
            self.directory,
            self.kubeconfig,
            self.namespace,
            credentials={STORE: self.store.credentials},
        )
        self.operators.append(made)
        made.start()
        until(lambda: leads(made), 60, what="the operator leads")
        return made

    def complete(self, name: str) -> None:
        """Waits for the report, asking seldom."""
        there = self.experiments
        until(
            lambda: there.condition("Complete", name).get("status") == "True",
            PATIENCE,
            what=f"{name} is complete",
            pause=1.0,
        )

    def clear(self) -> None:
        """Removes Jobs and pods, and waits until they are gone."""
        client, pods = self.cluster.client, f"/api/v1/namespaces/{self.namespace}/pods"
        for operator in self.operators:
            operator.stop()
        for name in [e["metadata"]["name"] for e in client.items(self.experiments.path)]:
            self.experiments.delete(name)
        patiently(lambda: client.delete(self.jobs_path))
        patiently(lambda: client.delete(pods, gracePeriodSeconds=0))
        until(lambda: not client.items(self.jobs_path, limit=1), 300, what="the Jobs are gone")
        until(lambda: not client.items(pods, limit=1), 300, what="the pods are gone")


@dataclass
class Scene:
    cluster: Cluster
    gateway: Gateway
    buckets: Path

    @contextmanager
    def place(self, prefix: str = "bench", **profiles: Any) -> Iterator[Place]:
        """A fresh namespace; ``profiles`` change the profiles beside their limits."""
        namespace = self.cluster.make_namespace(f"{prefix}-{secrets.token_hex(3)}")
        store = self.gateway.make_bucket(namespace)
        write_profiles(self.cluster, namespace, store, **{"limits": LIMITS, **profiles})
        kubeconfig = self.cluster.account(namespace, "operator", rules=RULES)
        directory = self.cluster.directory / namespace
        directory.mkdir()
        folder = self.buckets / namespace / "clt"
        made = Place(self.cluster, namespace, store, folder, kubeconfig, directory)
        try:
            yield made
        finally:
            for operator in made.operators:
                operator.kill()


@contextmanager
def scene() -> Iterator[Scene]:
    """A new control plane, so that no measurement drags the objects of an earlier one."""
    with TemporaryDirectory(prefix="clt-bench-") as scratch:
        directory = Path(scratch)
        gateway = Gateway(versitygw.build(), directory)
        gateway.program.command.insert(1, "--keep-alive")  # as S3 does; versitygw asks to be told
        gateway.start()
        try:
            with own_cluster(directory / "cluster", build(), nodes={}) as cluster:
                for name in NODES:
                    cluster.nodes.add(name, "cpu", **ROOM)
                _define(cluster)
                yield Scene(cluster, gateway, directory / "buckets")
        finally:
            gateway.stop()


@contextmanager
def playing(place: Place) -> Iterator[Program]:
    """What plays the pods of a namespace, as a process."""
    command = [sys.executable, str(HERE / "player.py")]
    where = [str(place.cluster.kubeconfig), place.namespace, str(place.folder)]
    paths = os.pathsep.join([str(ROOT / "tests"), str(ROOT)])
    program = Program(
        "player", [*command, *where], place.directory, {**os.environ, "PYTHONPATH": paths}
    )
    program.start()
    try:
        yield program
    finally:
        program.kill()


def leads(operator: Operator) -> bool:
    return operator.metrics().get("clt_operator_leader") == 1


def looks(operator: Operator) -> float:
    """How many looks at experiments ended well or badly so far."""
    return operator.metrics().get("clt_operator_reconcile_seconds_count", 0)


def run(*words: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Raises CalledProcessError, with what it printed on stderr shown."""
    return subprocess.run(
        [str(word) for word in words], check=True, text=True, stdout=subprocess.PIPE, **options
    )


def _define(cluster: Cluster) -> None:
    definition = crd()
    cluster.apply(definition)
    path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/"

    def established() -> bool:
        found = cluster.client.get(path + definition["metadata"]["name"])
        conditions = found.get("status", {}).get("conditions") or []
        return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)

    until(established, 30, what="the kind is served")
