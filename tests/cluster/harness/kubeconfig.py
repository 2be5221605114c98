"""Kubeconfig files for the users of a cluster."""

import base64
from pathlib import Path
from typing import Any

import yaml


def write_kubeconfig(
    path: Path, server: str, authority: bytes, user: dict[str, Any], namespace: str = "default"
) -> Path:
    """One cluster, one user, one context; ``authority`` is a PEM certificate."""
    cluster = {"server": server, "certificate-authority-data": _encoded(authority)}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "test", "user": user}],
        "contexts": [
            {
                "name": "test",
                "context": {"cluster": "test", "user": "test", "namespace": namespace},
            }
        ],
        "current-context": "test",
    }
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config))
    return path


def certificate_user(certificate: Path, key: Path) -> dict[str, str]:
    """The user of a client certificate; the files are copied into the kubeconfig."""
    return {
        "client-certificate-data": _encoded(certificate.read_bytes()),
        "client-key-data": _encoded(key.read_bytes()),
    }


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
