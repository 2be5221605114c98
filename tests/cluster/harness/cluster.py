"""A cluster as a test sees it: a control plane of our own, or the one that KUBECONFIG names."""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from cluster.harness.accounts import account_kubeconfig
from cluster.harness.audit import AuditLog
from cluster.harness.binaries import Binaries, CannotBuild, build
from cluster.harness.client import Client, Json
from cluster.harness.control_plane import ControlPlane, Flags
from cluster.harness.nodes import Nodes, kwok
from cluster.harness.pods import Pods
from cluster.harness.processes import Program

if TYPE_CHECKING:
    from clt_operator.cluster.api import Api

NAMESPACES = "/api/v1/namespaces"
KUBECTL_SECONDS = 60
NODES = {"cpu-0": "cpu", "cpu-1": "cpu", "gpu-0": "gpu", "gpu-1": "gpu"}  # name to pool


class Cluster:
    """``kubeconfig`` is an administrator's; ``control`` holds the handles on the processes."""

    def __init__(
        self,
        directory: Path,
        kubeconfig: Path,
        kubectl: str,
        control: ControlPlane | None,
        kwok_program: Program | None,
    ) -> None:
        self.directory, self.kubeconfig = directory, kubeconfig
        self._kubectl, self._control, self.kwok = kubectl, control, kwok_program
        self.client = Client(kubeconfig)
        self.nodes = Nodes(self.client)

    @property
    def control(self) -> ControlPlane:
        """Freeze it, kill it, compact it. Skips the test on a cluster that is not our own."""
        if self._control is None:
            pytest.skip("KUBECONFIG is set: the processes of that cluster are not ours to stop")
        return self._control

    @property
    def ours(self) -> bool:
        """Whether ``control`` is there."""
        return self._control is not None

    @property
    def audit(self) -> AuditLog:
        """What the API server was asked, by whom. Skips on a cluster that is not our own."""
        return AuditLog(self.control.audit_log)

    def kubectl(self, *arguments: object, stdin: str = "") -> str:
        """Runs kubectl as administrator; what it printed. A failure is an AssertionError."""
        done = subprocess.run(
            [self._kubectl, f"--kubeconfig={self.kubeconfig}", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=KUBECTL_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"kubectl {arguments}: {done.stderr.strip()}"
        return done.stdout

    def apply(self, *manifests: Json) -> None:
        """Server-side apply, as administrator."""
        items = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self.kubectl(
            "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=json.dumps(items)
        )

    def apply_yaml(self, text: str) -> None:
        """The same for a text of several documents."""
        self.apply(*(document for document in yaml.safe_load_all(text) if document))

    def api(self, kubeconfig: Path | None = None) -> "Api":
        """The product's own client; as administrator where no kubeconfig is given."""
        from clt_operator.cluster.api import Api

        return Api.connect(kubeconfig=str(kubeconfig or self.kubeconfig))

    def pods(self, namespace: str) -> Pods:
        return Pods(self.client, namespace)

    def jobs(self, namespace: str, labels: str = "") -> list[Json]:
        query = {"labelSelector": labels} if labels else {}
        return self.client.items(f"/apis/batch/v1/namespaces/{namespace}/jobs", **query)

    def events(self, namespace: str, reason: str = "") -> list[Json]:
        """Events of a namespace, of one reason or all."""
        path = f"/apis/events.k8s.io/v1/namespaces/{namespace}/events"
        return [e for e in self.client.items(path) if reason in ("", e.get("reason"))]

    def make_namespace(self, name: str, labels: dict[str, str] | None = None) -> str:
        metadata = {"name": name, "labels": labels or {}}
        self.client.create(NAMESPACES, {"metadata": metadata})
        return name

    def remove_namespace(self, name: str) -> None:
        """Starts the end of a namespace: its pods go at once, the rest when Kubernetes comes
        to it."""
        base = f"/apis/batch/v1/namespaces/{name}/jobs"
        self.client.delete(base, propagationPolicy="Background")
        for pod in self.pods(name).all():
            self.pods(name).delete(pod["metadata"]["name"], grace=0)
        self.client.delete(f"{NAMESPACES}/{name}")

    def account(
        self,
        namespace: str,
        name: str,
        *,
        role: str = "",
        rules: Iterable[Json] | None = None,
        everywhere: bool = False,
    ) -> Path:
        """The kubeconfig of a service account with just these rights.

        ``role`` is a ClusterRole that exists (``view``, ``edit``, ``cluster-admin``), ``rules``
        those of a role made for it; in its namespace alone, or in all of them (``everywhere``).
        To the API server it is ``system:serviceaccount:NAMESPACE:NAME``.
        """
        target = self.directory / f"{namespace}-{name}.kubeconfig"
        return account_kubeconfig(
            self.client,
            self.kubeconfig,
            target,
            namespace=namespace,
            name=name,
            role=role,
            rules=rules,
            everywhere=everywhere,
        )


@contextmanager
def own_cluster(
    directory: Path, binaries: Binaries, flags: Flags = "fast", nodes: dict[str, str] | None = None
) -> Iterator[Cluster]:
    """A cluster on this machine, with KWOK and nodes, stopped at the end."""
    with ControlPlane(directory, binaries, flags) as control:
        simulator = kwok(directory, binaries, control.kubeconfig)
        simulator.start()
        try:
            cluster = Cluster(
                directory, control.kubeconfig, binaries["kubectl"], control, simulator
            )
            for name, pool in (NODES if nodes is None else nodes).items():
                cluster.nodes.add(name, pool)
            yield cluster
        finally:
            simulator.kill()


@contextmanager
def given_cluster(directory: Path, kubeconfig: Path) -> Iterator[Cluster]:
    """The cluster of a kubeconfig, with fake nodes of our own for as long as the tests run.

    Pods land on them by their pool's node selector: profiles of tests must name a pool. Where
    KWOK cannot be built there are no such nodes.
    """
    kubectl = shutil.which("kubectl")
    try:
        binaries: Binaries | None = build("kwok", *(() if kubectl else ("kubectl",)))
    except CannotBuild:
        binaries = None
    if not kubectl and binaries:
        kubectl = binaries["kubectl"]
    if not kubectl:
        pytest.skip("kubectl is not installed and cannot be built: install it, or Go")
    simulator = kwok(directory, binaries, kubeconfig) if binaries else None
    cluster = Cluster(directory, kubeconfig, kubectl, None, simulator)
    suffix = secrets.token_hex(3)
    names = {f"clt-{suffix}-{name}": pool for name, pool in NODES.items()} if simulator else {}
    try:
        if simulator:
            simulator.start()
        for name, pool in names.items():
            cluster.nodes.add(name, pool)
        yield cluster
    finally:
        for name in names:
            cluster.nodes.remove(name)
        if simulator:
            simulator.kill()


def given_kubeconfig() -> Path | None:
    """The first file of KUBECONFIG; None where it is not set."""
    first = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    return Path(first) if first else None


def config_map(namespace: str, name: str, data: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"namespace": namespace, "name": name},
        "data": data,
    }


def secret(namespace: str, name: str, data: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"namespace": namespace, "name": name},
        "stringData": data,
    }
