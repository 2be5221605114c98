"""A Kubernetes control plane on loopback: etcd, API server, controllers, scheduler.

Up in a few seconds, everything below one directory, no node that runs anything (see ``nodes``).
The handles are what the fault tests are made of: the API server can be frozen, killed and
started again, requests of one user refused with 429, history compacted under a watch.
"""

import json
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from cluster.harness import throttle
from cluster.harness.binaries import Binaries
from cluster.harness.certificates import Authority
from cluster.harness.client import Away, Client, Refused
from cluster.harness.kubeconfig import certificate_user, write_kubeconfig
from cluster.harness.processes import Program, free_port
from cluster.harness.waiting import until

START_SECONDS = 60
LOOPBACK = "127.0.0.1"
Flags = Literal["stock", "fast"]

# Stock limits are 20 requests/s and 5 Job workers of the controller-manager, 50 requests/s of
# the scheduler: with them a scale test measures Kubernetes, not us.
FAST_CONTROLLERS = ("--kube-api-qps=300", "--kube-api-burst=500", "--concurrent-job-syncs=50")
FAST_SCHEDULER = ("--kube-api-qps=300", "--kube-api-burst=500")

AUDIT_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: ["system:apiserver"]
- level: None
  nonResourceURLs: ["/healthz*", "/livez*", "/readyz*", "/openapi*"]
- level: Metadata
"""


class ControlPlane:
    """``with ControlPlane(directory, binaries) as control: control.kubeconfig``."""

    def __init__(
        self,
        directory: Path,
        binaries: Binaries,
        flags: Flags = "fast",
        address: str = LOOPBACK,
    ) -> None:
        """``address`` is where the API server listens: one that pods reach, where there are any."""
        self.directory, self.binaries, self.flags = directory, binaries, flags
        self.address = address
        directory.mkdir(parents=True, exist_ok=True)
        self._authority = Authority(directory)
        self._etcd_port, self._api_port = free_port(), free_port()
        self.server = f"https://{address}:{self._api_port}"
        self.audit_log = directory / "audit.log"
        self.kubeconfig = self.certificate_kubeconfig("admin", "system:masters")
        self.client = Client(self.kubeconfig)
        self.etcd = self._etcd()
        self.api_server = self._api_server()
        self.controllers = self._controllers()
        self.scheduler = self._scheduler()

    def __enter__(self) -> "ControlPlane":
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """All of it; returns when the API server is ready."""
        self.etcd.start()
        self.start_api_server()
        self.controllers.start()
        self.scheduler.start()
        self._wait_for(
            self.controllers, lambda: self.client.find("/api/v1/namespaces/default") is not None
        )

    def stop(self) -> None:
        """Every process, by its id. Data of a control plane that ends is worth nothing."""
        for program in reversed(self.programs):
            program.kill()

    @property
    def programs(self) -> tuple[Program, ...]:
        """In the order in which they start."""
        return self.etcd, self.api_server, self.controllers, self.scheduler

    def certificate_kubeconfig(self, user: str, *groups: str) -> Path:
        """A kubeconfig of a user whom a client certificate names; what it may do is up to RBAC."""
        certificate, key = self._authority.client(user, *groups)
        return write_kubeconfig(
            self.directory / f"{certificate.stem}.kubeconfig",
            self.server,
            self._authority.certificate.read_bytes(),
            certificate_user(certificate, key),
        )

    @property
    def authority(self) -> Path:
        """The certificate that signs all others."""
        return self._authority.certificate

    # -- faults ------------------------------------------------------------------------------

    def freeze(self) -> None:
        """SIGSTOP to the API server: connections are accepted and stay open, nobody answers."""
        self.api_server.freeze()

    def thaw(self) -> None:
        """Lets a frozen API server go on, and waits until it answers."""
        self.api_server.thaw()
        self._wait_until_ready()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """A frozen API server for the length of the block."""
        self.freeze()
        try:
            yield
        finally:
            self.thaw()

    def stop_api_server(self) -> None:
        """SIGKILL: connections break, new ones are refused."""
        self.api_server.kill()

    def start_api_server(self) -> None:
        """Starts it (again), on the same address, and waits until it is ready."""
        self.api_server.start()
        self._wait_until_ready()

    @contextmanager
    def api_server_down(self) -> Iterator[None]:
        """No API server for the length of the block."""
        self.stop_api_server()
        try:
            yield
        finally:
            self.start_api_server()

    def recover(self) -> None:
        """Undoes what a test that failed may have left: frozen, dead."""
        if not self.api_server.running:
            self.start_api_server()
        self.thaw()
        for program in (self.controllers, self.scheduler):
            program.thaw()
            program.start()

    def compact(self) -> int:
        """Compacts etcd up to now and returns the revision. The API server answers recent
        versions from its own cache: to have watches told 410, use ``expire_watches``."""
        status = self._ask_etcd("/v3/maintenance/status", {})
        revision = int(status["header"]["revision"])
        self._ask_etcd("/v3/kv/compaction", {"revision": str(revision), "physical": True})
        return revision

    def expire_watches(self) -> None:
        """History goes under every watch: the API server comes back with a cache that starts
        after a revision that nobody has seen, so each watch that reconnects is told 410."""
        with self.api_server_down():
            for _ in range(3):
                pair = {"key": _encoded("clt-test/bump"), "value": _encoded("x")}
                self._ask_etcd("/v3/kv/put", pair)
            self.compact()

    @contextmanager
    def throttled(self, *users: str) -> Iterator[None]:
        """Every request of these users is answered 429 for the length of the block.

        A user is named as the API server sees it, ``system:serviceaccount:NS:NAME`` for service
        accounts. Members of system:masters are exempt by the API server itself.
        """
        seat = self._authority.client(throttle.HOLDER)
        with throttle.throttled(self.client, users, self.authority, seat):
            yield

    # -- processes ---------------------------------------------------------------------------

    def _etcd(self) -> Program:
        here, peers = f"http://127.0.0.1:{self._etcd_port}", f"http://127.0.0.1:{free_port()}"
        return self._program(
            "etcd",
            f"--data-dir={self.directory / 'etcd'}",
            "--unsafe-no-fsync",
            f"--listen-client-urls={here}",
            f"--advertise-client-urls={here}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=default={peers}",
            "--quota-backend-bytes=4294967296",
            "--log-level=warn",
        )

    def _api_server(self) -> Program:
        certificate, key = self._authority.server(
            "api-server", "kubernetes.default.svc", self.address
        )
        tokens = self._authority.token_key()
        policy = self.directory / "audit-policy.yaml"
        policy.write_text(AUDIT_POLICY)
        return self._program(
            "kube-apiserver",
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            f"--bind-address={self.address}",
            f"--advertise-address={self.address}",
            f"--secure-port={self._api_port}",
            *self._for_nodes(),
            "--service-cluster-ip-range=10.96.0.0/16",
            "--authorization-mode=Node,RBAC",
            "--allow-privileged=true",
            f"--tls-cert-file={certificate}",
            f"--tls-private-key-file={key}",
            f"--client-ca-file={self.authority}",
            f"--service-account-issuer={self.server}",
            f"--service-account-key-file={self.directory / 'tokens.pub'}",
            f"--service-account-signing-key-file={tokens}",
            f"--audit-policy-file={policy}",
            f"--audit-log-path={self.audit_log}",
        )

    def _for_nodes(self) -> list[str]:
        """Loopback cannot be the address of the Service ``kubernetes``; where pods run, logs and
        metrics come from kubelets."""
        if self.address == LOOPBACK:
            return ["--endpoint-reconciler-type=none"]
        certificate, key = self._authority.client("kubelet-client", "system:masters")
        return [
            "--kubelet-preferred-address-types=InternalIP",
            f"--kubelet-client-certificate={certificate}",
            f"--kubelet-client-key={key}",
        ]

    def _controllers(self) -> Program:
        return self._controller(
            "kube-controller-manager",
            "--use-service-account-credentials=true",
            f"--root-ca-file={self.authority}",
            f"--service-account-private-key-file={self.directory / 'tokens.key'}",
            *(FAST_CONTROLLERS if self.flags == "fast" else ()),
        )

    def _scheduler(self) -> Program:
        return self._controller("kube-scheduler", *(FAST_SCHEDULER if self.flags == "fast" else ()))

    def _controller(self, name: str, *arguments: str) -> Program:
        kubeconfig = self.certificate_kubeconfig(f"system:{name}")
        return self._program(
            name,
            f"--kubeconfig={kubeconfig}",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            f"--secure-port={free_port()}",
            *arguments,
        )

    def _program(self, name: str, *arguments: str) -> Program:
        return Program(name, [self.binaries[name], *arguments], self.directory)

    def _wait_until_ready(self) -> None:
        self._wait_for(self.api_server, self._is_ready)

    def _is_ready(self) -> bool:
        try:
            self.client.get("/apis/rbac.authorization.k8s.io/v1/clusterroles/cluster-admin")
            return self.client.text("/readyz") == "ok"
        except (Away, Refused):
            return False

    def _wait_for(self, program: Program, ready: Any) -> None:
        def ready_or_dead() -> bool:
            if not program.running:
                raise RuntimeError(f"{program.name} ended, {program.code}: {program.last_words()}")
            return bool(ready())

        try:
            until(ready_or_dead, START_SECONDS, what=f"{program.name} is ready")
        except AssertionError as error:
            raise RuntimeError(f"{error}\n{program.last_words()}") from None

    def _ask_etcd(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """etcd's own API as JSON."""
        url = f"http://127.0.0.1:{self._etcd_port}{path}"
        request = urllib.request.Request(url, json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return dict(json.load(answer))


def _encoded(text: str) -> str:
    return b64encode(text.encode()).decode()
