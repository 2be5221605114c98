"""The nodes of this level themselves: what the other tests take for granted."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cluster.harness.cluster import Cluster
from cluster.harness.waiting import until
from e2e.harness.installation import JOBS, TAG
from e2e.harness.node import Node
from e2e.harness.site import Site

NAMESPACE = "node-test"
POD_SECONDS = 60
ASKS = """\
import json, os, socket, urllib.request
url = os.environ["URL"]
with urllib.request.urlopen(url + "/health") as answer:
    print(json.dumps({"user": os.getuid(), "status": answer.status, "host": socket.gethostname()}))
"""

Json = dict[str, Any]
Run = Callable[[str], Json]


@pytest.fixture(scope="module")
def run(site: Site) -> Iterator[Run]:
    """Runs a restricted pod on a node; what it printed."""
    cluster: Cluster = site.cluster
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    cluster.make_namespace(NAMESPACE, labels)

    def on(node: str) -> Json:
        name = f"on-{node}"
        path = f"/api/v1/namespaces/{NAMESPACE}/pods"
        cluster.client.create(path, pod(name, node, site.storage.endpoint))

        def done() -> bool:
            phase = cluster.client.get(f"{path}/{name}")["status"].get("phase")
            assert phase != "Failed", cluster.kubectl("logs", "-n", NAMESPACE, name)
            return phase == "Succeeded"

        until(done, POD_SECONDS, what=f"the pod {name} has ended")
        return dict(json.loads(cluster.kubectl("logs", "-n", NAMESPACE, name)))

    yield on
    cluster.remove_namespace(NAMESPACE)


def pod(name: str, node: str, url: str) -> Json:
    container = {
        "name": "asks",
        "image": f"{JOBS}:{TAG}",
        "imagePullPolicy": "Never",
        "command": ["python", "-c", ASKS],
        "env": [{"name": "URL", "value": url}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    return {
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "nodeSelector": {"kubernetes.io/hostname": node},
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65532,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
        },
    }


def test_a_restricted_pod_on_every_node_reaches_a_service_by_its_name(
    nodes: tuple[Node, ...], run: Run
) -> None:
    for node in nodes:
        said = run(node.name)
        assert said == {"user": 65532, "status": 200, "host": f"on-{node.name}"}


def test_the_kubelets_say_what_containers_use(nodes: tuple[Node, ...]) -> None:
    for node in nodes:
        assert "container_memory_working_set_bytes" in node.kubelet.metrics()
