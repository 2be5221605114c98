"""Service accounts with just the rights that a test gives them, as kubeconfigs."""

import base64
from collections.abc import Iterable
from pathlib import Path

import yaml
from cluster.harness.client import Client, Json
from cluster.harness.kubeconfig import write_kubeconfig

RBAC = "/apis/rbac.authorization.k8s.io/v1"
TOKEN_SECONDS = 6 * 3600


def account_kubeconfig(
    client: Client,
    administrator: Path,
    target: Path,
    *,
    namespace: str,
    name: str,
    role: str,
    rules: Iterable[Json] | None,
    everywhere: bool,
) -> Path:
    """Makes account, role and binding; writes the kubeconfig to ``target``. See
    ``Cluster.account``."""
    accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
    if client.find(f"{accounts}/{name}") is None:
        client.create(accounts, {"metadata": {"name": name}})
    if rules is not None:
        role = f"{namespace}-{name}"
        client.create(f"{RBAC}/clusterroles", {"metadata": {"name": role}, "rules": list(rules)})
    if role:
        _bind(client, namespace, name, role, everywhere)
    token = client.create(
        f"{accounts}/{name}/token", {"spec": {"expirationSeconds": TOKEN_SECONDS}}
    )
    server, authority = _server_of(administrator)
    return write_kubeconfig(
        target, server, authority, {"token": token["status"]["token"]}, namespace
    )


def _bind(client: Client, namespace: str, name: str, role: str, everywhere: bool) -> None:
    binding = {
        "metadata": {"name": f"{namespace}-{name}"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": role,
        },
        "subjects": [{"kind": "ServiceAccount", "namespace": namespace, "name": name}],
    }
    scope = "clusterrolebindings" if everywhere else f"namespaces/{namespace}/rolebindings"
    client.create(f"{RBAC}/{scope}", binding)


def _server_of(kubeconfig: Path) -> tuple[str, bytes]:
    """Address and authority of the current context."""
    config = yaml.safe_load(kubeconfig.read_text())
    contexts = {entry["name"]: entry["context"] for entry in config["contexts"]}
    clusters = {entry["name"]: entry["cluster"] for entry in config["clusters"]}
    cluster = clusters[contexts[config["current-context"]]["cluster"]]
    if "certificate-authority-data" in cluster:
        return cluster["server"], base64.b64decode(cluster["certificate-authority-data"])
    return cluster["server"], Path(cluster["certificate-authority"]).read_bytes()
