"""A node that runs real pods: containerd and a kubelet."""

from pathlib import Path

from cluster.harness.control_plane import ControlPlane
from cluster.harness.processes import Program, free_port
from cluster.harness.waiting import until
from e2e.harness import cgroups, network
from e2e.harness.containerd import Containerd, copy
from e2e.harness.kubelet import Kubelet
from e2e.harness.machine import Place

RULES_SECONDS = 30


class Node:
    """The node number ``number`` of this machine."""

    def __init__(
        self, number: int, place: Place, binaries: dict[str, Path], control: ControlPlane
    ) -> None:
        self.name = f"node-{number}"
        run = place.run / self.name
        run.mkdir()
        cni = network.write_cni(run, number)
        copy(place.images, run / "images")
        self.containerd = Containerd(run, run / "images", cni)
        self.kubelet = Kubelet(self.name, run, binaries["kubelet"], control, self.containerd.socket)

    def start(self) -> None:
        """The images are there already (``unpack``)."""
        self.containerd.start()
        self.kubelet.start()

    def stop(self) -> None:
        """Both processes; what they started ends with the cgroup."""
        self.kubelet.program.kill()
        self.containerd.program.kill()


class Proxy:
    """kube-proxy: the addresses of Services, for the pods of all nodes and for the machine."""

    def __init__(self, place: Place, binary: Path, control: ControlPlane) -> None:
        config = place.run / "kube-proxy.json"
        kubeconfig = control.certificate_kubeconfig("system:kube-proxy")
        self._health = free_port()
        config.write_text(
            f"""\
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
hostnameOverride: node-0
bindAddress: {network.GATEWAY}
healthzBindAddress: 127.0.0.1:{self._health}
metricsBindAddress: 127.0.0.1:{free_port()}
clientConnection: {{kubeconfig: {kubeconfig}}}
conntrack: {{maxPerCore: 0, min: 0}}
iptables: {{masqueradeAll: true, localhostNodePorts: false, minSyncPeriod: 0s}}
"""
        )
        self.program = Program("kube-proxy", [str(binary), f"--config={config}"], place.run)

    def start(self) -> None:
        self.program.start()
        cgroups.join(self.program.pid, "system")
        until(self._wrote, RULES_SECONDS, what="kube-proxy wrote its rules")

    def _wrote(self) -> bool:
        if not self.program.running:
            raise RuntimeError(f"kube-proxy ended: {self.program.last_words()}")
        return network.has_chain("nat", "KUBE-SERVICES")
