"""CoreDNS as pods of the cluster: names of Services, and of pods behind headless ones."""

from typing import Any

from cluster.harness.cluster import Cluster, config_map
from cluster.harness.waiting import until
from e2e.harness.kubelet import DNS, DOMAIN

NAMESPACE = "kube-system"
NAME = "coredns"
READY_SECONDS = 60
COREFILE = f"""\
.:5353 {{
    errors
    health :8080
    ready :8181
    kubernetes {DOMAIN} in-addr.arpa {{
        pods insecure
        ttl 5
    }}
    cache {{
        success 4096 5
        denial 4096 1
    }}
}}
"""
RULES = [
    {
        "apiGroups": [""],
        "resources": ["services", "pods", "namespaces"],
        "verbs": ["list", "watch"],
    },
    {
        "apiGroups": ["discovery.k8s.io"],
        "resources": ["endpointslices"],
        "verbs": ["list", "watch"],
    },
]


def install(cluster: Cluster, image: str) -> None:
    """Returns when it answers."""
    cluster.apply(*_rights(), config_map(NAMESPACE, NAME, {"Corefile": COREFILE}), _service())
    cluster.apply(_deployment(image))
    path = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/{NAME}"

    def ready() -> bool:
        return bool(cluster.client.get(path).get("status", {}).get("readyReplicas"))

    until(ready, READY_SECONDS, what="CoreDNS is ready")


def _rights() -> list[dict[str, Any]]:
    metadata = {"name": NAME, "namespace": NAMESPACE}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": NAME}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": NAME},
            "rules": RULES,
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": NAME},
            "roleRef": role,
            "subjects": [{"kind": "ServiceAccount", **metadata}],
        },
    ]


def _service() -> dict[str, Any]:
    ports = [
        {"name": protocol.lower(), "port": 53, "targetPort": 5353, "protocol": protocol}
        for protocol in ("UDP", "TCP")
    ]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "kube-dns", "namespace": NAMESPACE, "labels": {"k8s-app": "kube-dns"}},
        "spec": {"clusterIP": DNS, "selector": {"k8s-app": "kube-dns"}, "ports": ports},
    }


def _deployment(image: str) -> dict[str, Any]:
    labels = {"k8s-app": "kube-dns"}  # what NetworkPolicies of clusters know it by
    container = {
        "name": NAME,
        "image": image,
        "imagePullPolicy": "Never",
        "args": ["-conf", "/etc/coredns/Corefile"],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "20m", "memory": "40Mi"}},
        "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns"}],
    }
    pod = {
        "serviceAccountName": NAME,
        "dnsPolicy": "Default",
        "containers": [container],
        "volumes": [{"name": "config", "configMap": {"name": NAME}}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME, "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
