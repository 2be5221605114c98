"""A whole Kubernetes on this machine: control plane, two nodes, names, an S3 server.

``with own_site(archives) as site`` has it for the length of the block and leaves nothing behind.
Two nodes, so that what is drained from one can go to the other.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster.harness.binaries import CannotBuild
from cluster.harness.binaries import build as build_control_plane
from cluster.harness.cluster import Cluster
from cluster.harness.control_plane import ControlPlane
from e2e.harness import binaries, cgroups, dns, machine, network
from e2e.harness.containerd import unpack
from e2e.harness.node import Node, Proxy
from e2e.harness.storage import Storage

NODES = 2
COREDNS = "localhost/coredns:e2e"
GATEWAY = "localhost/versitygw:e2e"


@dataclass(frozen=True)
class Site:
    """``cluster`` is an administrator's view; ``nodes`` are empty on a cluster that is given.
    ``programs`` is where helm and kubectl lie."""

    cluster: Cluster
    programs: Path
    nodes: tuple[Node, ...]
    storage: Storage


@contextmanager
def own_site(archives: Mapping[str, Path]) -> Iterator[Site]:
    """Raises CannotBuild where this machine cannot have one."""
    programs, control_plane = binaries.build("kubelet", "kube-proxy"), build_control_plane()
    with machine.held() as place:
        cgroups.make("system")
        network.up()
        with timed("images, unpacked where they are new"):
            unpack(place.run, place.images, archives)
        directory = place.run / "control"
        with ExitStack() as stack:
            control = ControlPlane(directory, control_plane, address=network.GATEWAY)
            stack.enter_context(control)
            for program in control.programs:
                cgroups.join(program.pid, "system")
            with timed("control plane and nodes"):
                nodes = tuple(Node(i, place, programs, control) for i in range(NODES))
                proxy = Proxy(place, programs["kube-proxy"], control)
                stack.callback(proxy.program.kill)
                for node in nodes:
                    stack.callback(node.stop)
                    node.start()
                proxy.start()
            cluster = Cluster(
                place.run, control.kubeconfig, control_plane["kubectl"], control, None
            )
            storage = Storage(cluster, place.run / "s3")
            with timed("CoreDNS and S3"):
                dns.install(cluster, COREDNS)
                storage.install(GATEWAY)
            yield Site(cluster, control_plane.directory, nodes, storage)


@contextmanager
def given_site(directory: Path, kubeconfig: Path) -> Iterator[Site]:
    """The cluster of a kubeconfig, with an S3 server of ours in it, removed afterwards.

    Its nodes must have the images (archives of them are in ``images.folder()``), it must have
    names, and this machine must reach addresses of Services, as a node does.
    Raises CannotBuild where it does not.
    """
    programs = build_control_plane("kubectl", "helm")
    cluster = Cluster(directory, kubeconfig, programs["kubectl"], None, None)
    storage = Storage(cluster, None)
    try:
        try:
            storage.install(GATEWAY)
        except AssertionError as error:
            raise CannotBuild(
                f"KUBECONFIG is set, and no S3 server could be had in that cluster: {error}; its "
                "nodes need the images, and this machine a route to addresses of Services"
            ) from None
        yield Site(cluster, programs.directory, (), storage)
    finally:
        cluster.remove_namespace(storage.namespace)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Prints how long a phase took: the report of a run says where its time went."""
    start = time.monotonic()
    yield
    print(f"e2e: {what}: {time.monotonic() - start:.1f} s", flush=True)
