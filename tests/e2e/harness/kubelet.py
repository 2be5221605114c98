"""A kubelet beside others on one machine: every folder, port and cgroup is its own."""

import json
from pathlib import Path
from typing import Any

from cluster.harness.control_plane import ControlPlane
from cluster.harness.processes import Program, free_port
from cluster.harness.waiting import until
from e2e.harness import cgroups, network

DNS = "10.96.0.10"
DOMAIN = "cluster.local"
READY_SECONDS = 60


class Kubelet:
    """``start`` returns when the node is ready."""

    def __init__(
        self, name: str, run: Path, binary: Path, control: ControlPlane, socket: Path
    ) -> None:
        self.name, self._run, self._control, self._socket = name, run, control, socket
        self.port = free_port()
        config = run / "kubelet.json"
        config.write_text(json.dumps(self._configuration()))
        kubeconfig = control.certificate_kubeconfig(f"system:node:{name}", "system:nodes")
        arguments = [
            f"--config={config}",
            f"--kubeconfig={kubeconfig}",
            f"--root-dir={run / 'kubelet'}",
            f"--hostname-override={name}",
            f"--node-ip={network.GATEWAY}",
            f"--node-labels=clt.dev/node={name}",
        ]
        self.program = Program("kubelet", [str(binary), *arguments], run)

    def start(self) -> None:
        self.program.start()
        cgroups.join(self.program.pid, "system")
        until(self.ready, READY_SECONDS, what=f"{self.name} is ready")

    def ready(self) -> bool:
        """Whether the node takes pods."""
        if not self.program.running:
            raise RuntimeError(f"the kubelet ended: {self.program.last_words()}")
        node = self._control.client.find(f"/api/v1/nodes/{self.name}") or {}
        conditions = node.get("status", {}).get("conditions", [])
        return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)

    def metrics(self) -> str:
        """What cAdvisor says of the containers, as the kubelet serves it to Prometheus."""
        return self._control.client.text(f"/api/v1/nodes/{self.name}/proxy/metrics/cadvisor")

    def _configuration(self) -> dict[str, Any]:
        resolver = self._run / "resolv.conf"
        resolver.write_text("options ndots:5\n")  # pods ask CoreDNS, and nobody outside
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": network.GATEWAY,
            "port": self.port,
            "readOnlyPort": 0,
            "healthzBindAddress": "127.0.0.1",
            "healthzPort": free_port(),
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(self._control.authority)},
            },
            "authorization": {"mode": "Webhook"},
            "containerRuntimeEndpoint": f"unix://{self._socket}",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": cgroups.make(self.name),
            "enforceNodeAllocatable": [],
            "failCgroupV1": False,
            "failSwapOn": False,
            "clusterDNS": [DNS],
            "clusterDomain": DOMAIN,
            "resolvConf": str(resolver),
            "podLogsDir": str(self._run / "logs"),
            "volumePluginDir": str(self._run / "plugins"),
            # The disk is the machine's; nothing of it is the kubelet's to free.
            "evictionHard": {
                "memory.available": "100Mi",
                "nodefs.available": "1%",
                "imagefs.available": "1%",
            },
            "imageGCHighThresholdPercent": 100,
            "registerWithTaints": [],
            "nodeStatusUpdateFrequency": "5s",
        }
