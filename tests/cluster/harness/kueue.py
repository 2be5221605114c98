"""Kueue on a cluster whose nodes run nothing: its manager is a process of this machine.

The manifests are those of Kueue's own chart, rendered by Helm; the manager has the rights of the
chart's service account. Three things differ from an installation in pods:

- Webhooks (admission of Jobs and of Kueue's objects, conversion of its versions) are called at
  a loopback address, ``clientConfig.url``, instead of a Service. Only those of the enabled
  integration, ``batch/job``, are kept: the API server would call the others in vain.
- The certificate is ours and lies in the manager's directory beforehand. The manager takes its
  certificate from the Secret of the chart only if the authority there answers to the name
  ``kueue-ca``, the certificate to that of the Service, and both live for 90 days at least;
  otherwise it makes a new one, of which no kubelet would bring it the files. With its own
  management of certificates off it would want files below /etc.
- No leader election, no visibility server.
"""

import json
import subprocess
import urllib.error
import urllib.request
from base64 import b64encode
from typing import Any

import yaml
from cluster.harness.certificates import Authority
from cluster.harness.cluster import Cluster
from cluster.harness.processes import Program, free_port
from cluster.harness.waiting import until

NAMESPACE = "kueue-system"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:kueue-controller-manager"
SERVICE = f"kueue-webhook-service.{NAMESPACE}.svc"
SECRET = "kueue-webhook-server-cert"  # noqa: S105 - a name
AUTHORITY = "kueue-ca"
KEPT = ("CustomResourceDefinition", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
WEBHOOKS = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
SERVED = ("kueue-x-k8s-io", "batch-v1-job")  # parts of the paths of webhooks that are kept
GROUP = "kueue.x-k8s.io"
API = f"{GROUP}/v1beta2"
READY_SECONDS = 60

Json = dict[str, Any]


class Kueue:
    """``start`` installs what is missing and runs the manager; ``stop`` takes the webhooks away
    first, so that Jobs can be made without it."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._directory = cluster.directory / "kueue"
        self._directory.mkdir(exist_ok=True)
        self._webhooks, self._health = free_port(), free_port()
        self._authority = Authority(self._directory, AUTHORITY)
        self._certificate, self._key = self._authority.server("webhooks", SERVICE)
        self.program = self._manager()

    def __enter__(self) -> "Kueue":
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> "Kueue":
        self._write_certificates()
        manifests = self._manifests()
        self._cluster.apply({"apiVersion": "v1", "kind": "Namespace", **_named(NAMESPACE)})
        self._cluster.apply(*(m for m in manifests if m["kind"] not in WEBHOOKS))
        self._cluster.apply(self._secret())
        self.program.start()
        until(self._is_ready, READY_SECONDS, what="Kueue is ready")
        self._cluster.apply(*(m for m in manifests if m["kind"] in WEBHOOKS))
        return self

    def stop(self) -> None:
        for kind in ("mutating", "validating"):
            self._cluster.client.delete(
                f"/apis/admissionregistration.k8s.io/v1/{kind}webhookconfigurations/"
                f"kueue-{kind}-webhook-configuration"
            )
        self.program.stop()

    def queue(self, namespace: str, name: str = "team", **quota: str) -> str:
        """A LocalQueue in a namespace, with a ClusterQueue and a flavour of its own, and this
        quota (``cpu="4"``, ``memory="8Gi"``; ``gpus="8"``); its name. What is not named is
        plentiful. Workloads of a higher priority preempt lower ones."""
        own = f"{namespace}-{name}"
        amounts = {"cpu": "1000", "memory": "1000Gi", "nvidia.com/gpu": "1000"}
        amounts |= {"nvidia.com/gpu" if n == "gpus" else n: amount for n, amount in quota.items()}
        resources = [{"name": n, "nominalQuota": amount} for n, amount in amounts.items()]
        spec = {
            "namespaceSelector": {},
            "preemption": {"withinClusterQueue": "LowerPriority"},
            "resourceGroups": [
                {
                    "coveredResources": list(amounts),
                    "flavors": [{"name": own, "resources": resources}],
                }
            ],
        }
        self._cluster.apply(
            {"apiVersion": API, "kind": "ResourceFlavor", **_named(own)},
            {"apiVersion": API, "kind": "ClusterQueue", **_named(own), "spec": spec},
            {
                "apiVersion": API,
                "kind": "LocalQueue",
                **_named(name, namespace),
                "spec": {"clusterQueue": own},
            },
        )
        path = f"/apis/{API}/namespaces/{namespace}/localqueues/{name}"
        client = self._cluster.client
        until(lambda: _holds(client.get(path), "Active"), 30, what=f"queue {name} is active")
        return name

    def priority(self, name: str, value: int) -> str:
        """A WorkloadPriorityClass; its name."""
        self._cluster.apply(
            {"apiVersion": API, "kind": "WorkloadPriorityClass", **_named(name), "value": value}
        )
        return name

    def workloads(self, namespace: str) -> list[Json]:
        return self._cluster.client.items(f"/apis/{API}/namespaces/{namespace}/workloads")

    def admitted(self, namespace: str) -> list[str]:
        """Names of the Jobs whose workload is admitted."""
        return [
            owner["name"]
            for workload in self.workloads(namespace)
            if _holds(workload, "Admitted")
            for owner in workload["metadata"].get("ownerReferences", [])
        ]

    # -- installation ------------------------------------------------------------------------

    def _manifests(self) -> list[Json]:
        """Of the chart, those that a manager outside the cluster needs."""
        binaries = self._cluster.control.binaries
        rendered = subprocess.run(
            [
                binaries["helm"],
                "template",
                "kueue",
                str(binaries.kueue_chart),
                f"--namespace={NAMESPACE}",
                "--include-crds",
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        documents = [d for d in yaml.load_all(rendered, loader) if d]
        found = [d for d in documents if d["kind"] in (*KEPT, *WEBHOOKS)]
        for manifest in found:
            if manifest["kind"] == "CustomResourceDefinition":
                self._redirect(manifest["spec"].get("conversion", {}).get("webhook", {}))
            if manifest["kind"] in WEBHOOKS:
                hooks = [h for h in manifest["webhooks"] if _is_served(h)]
                manifest["webhooks"] = hooks
                for hook in hooks:
                    self._redirect(hook)
        return found

    def _redirect(self, hook: Json) -> None:
        """To the process on this machine."""
        service = hook.get("clientConfig", {}).pop("service", None)
        if service:
            authority = self._authority.certificate.read_bytes()
            hook["clientConfig"] |= {
                "url": f"https://127.0.0.1:{self._webhooks}{service['path']}",
                "caBundle": b64encode(authority).decode(),
            }

    def _secret(self) -> Json:
        files = {
            "ca.crt": self._authority.certificate,
            "ca.key": self._authority.key,
            "tls.crt": self._certificate,
            "tls.key": self._key,
        }
        data = {name: b64encode(path.read_bytes()).decode() for name, path in files.items()}
        return {"apiVersion": "v1", "kind": "Secret", **_named(SECRET, NAMESPACE), "data": data}

    def _write_certificates(self) -> None:
        """Where a kubelet would have mounted the Secret."""
        folder = self._directory / "certificates"
        folder.mkdir(exist_ok=True)
        (folder / "tls.crt").write_bytes(self._certificate.read_bytes())
        (folder / "tls.key").write_bytes(self._key.read_bytes())

    def _manager(self) -> Program:
        control = self._cluster.control
        config = self._directory / "config.yaml"
        config.write_text(json.dumps(self._configuration()))
        kubeconfig = control.certificate_kubeconfig(ACCOUNT, "system:serviceaccounts")
        arguments = [
            f"--config={config}",
            f"--kubeconfig={kubeconfig}",
            "--feature-gates=VisibilityOnDemand=false",
            "--zap-log-level=2",
        ]
        return Program("kueue", [control.binaries["kueue"], *arguments], self._directory)

    def _configuration(self) -> Json:
        certificates = self._directory / "certificates"
        return {
            "apiVersion": "config.kueue.x-k8s.io/v1beta2",
            "kind": "Configuration",
            "namespace": NAMESPACE,
            "health": {"healthProbeBindAddress": f"127.0.0.1:{self._health}"},
            "metrics": {"bindAddress": f"127.0.0.1:{free_port()}"},
            "webhook": {"host": "127.0.0.1", "port": self._webhooks, "certDir": str(certificates)},
            "leaderElection": {"leaderElect": False},
            "internalCertManagement": {
                "enable": True,
                "webhookServiceName": SERVICE.partition(".")[0],
                "webhookSecretName": SECRET,
            },
            "clientConnection": {"qps": 300, "burst": 500},
            "controller": {"groupKindConcurrency": {"Job.batch": 5, f"Workload.{GROUP}": 10}},
            "integrations": {"frameworks": ["batch/job"]},
        }

    def _is_ready(self) -> bool:
        if not self.program.running:
            raise RuntimeError(f"Kueue ended: {self.program.last_words()}")
        try:
            url = f"http://127.0.0.1:{self._health}/readyz"
            with urllib.request.urlopen(url, timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def _named(name: str, namespace: str = "") -> Json:
    return {"metadata": {"name": name, **({"namespace": namespace} if namespace else {})}}


def _is_served(hook: Json) -> bool:
    path = hook["clientConfig"]["service"]["path"]
    return any(part in path for part in SERVED)


def _holds(item: Json, condition: str) -> bool:
    found = item.get("status", {}).get("conditions", [])
    return any(c["type"] == condition and c["status"] == "True" for c in found)
