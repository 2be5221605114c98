"""An S3 server as a pod of the cluster, behind a Service that pods and this machine reach alike.

On nodes of this machine its data lies in a folder of the run and outlives the pod; on a cluster
that is given it goes with the pod. The keys are new for every run.
"""

import secrets
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import boto3
from cluster.harness.cluster import Cluster, secret
from cluster.harness.waiting import until

NAMESPACE = "storage"
NAME = "s3"
PORT = 7070
REGION = "us-east-1"
ANSWER_SECONDS = 60


class Storage:
    """``install`` returns when it answers by its Service."""

    namespace = NAMESPACE

    def __init__(self, cluster: Cluster, data: Path | None) -> None:
        self._cluster, self._data = cluster, data
        self._keys = {
            "ROOT_ACCESS_KEY": secrets.token_hex(10),
            "ROOT_SECRET_KEY": secrets.token_urlsafe(30),
        }
        self._address = ""

    @property
    def endpoint(self) -> str:
        """The address in the cluster, by name."""
        return f"http://{NAME}.{NAMESPACE}.svc:{PORT}"

    @property
    def endpoint_here(self) -> str:
        """The same server as this machine reaches it, which asks no CoreDNS."""
        return f"http://{self._address}:{PORT}"

    @property
    def credentials(self) -> dict[str, str]:
        """What belongs into a Secret."""
        return {
            "AWS_ACCESS_KEY_ID": self._keys["ROOT_ACCESS_KEY"],
            "AWS_SECRET_ACCESS_KEY": self._keys["ROOT_SECRET_KEY"],
        }

    @property
    def environment(self) -> dict[str, str]:
        """The standard variables for a client on this machine."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_here,
            "AWS_REGION": REGION,
            **self.credentials,
        }

    def make_bucket(self, name: str) -> str:
        """Its URI."""
        client = boto3.client(
            "s3",
            endpoint_url=self.endpoint_here,
            region_name=REGION,
            aws_access_key_id=self._keys["ROOT_ACCESS_KEY"],
            aws_secret_access_key=self._keys["ROOT_SECRET_KEY"],
        )
        client.create_bucket(Bucket=name)
        return f"s3://{name}"

    def install(self, image: str) -> None:
        if self._data:
            self._data.mkdir(parents=True, exist_ok=True)
        if self._cluster.client.find(f"/api/v1/namespaces/{NAMESPACE}") is None:
            self._cluster.make_namespace(NAMESPACE)
        keys = secret(NAMESPACE, NAME, self._keys)
        self._cluster.apply(keys, _service(), _deployment(image, self._data))
        path = f"/api/v1/namespaces/{NAMESPACE}/services/{NAME}"
        self._address = self._cluster.client.get(path)["spec"]["clusterIP"]
        until(self._answers, ANSWER_SECONDS, what="the S3 server answers by its Service")

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.endpoint_here}/health", timeout=1) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


def _service() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {"selector": {"app": NAME}, "ports": [{"port": PORT, "targetPort": PORT}]},
    }


def _deployment(image: str, data: Path | None) -> dict[str, Any]:
    container = {
        "name": NAME,
        "image": image,
        "imagePullPolicy": "Never",
        "args": ["--port", f":{PORT}", "--health", "/health", "--quiet", "posix", "/data"],
        "envFrom": [{"secretRef": {"name": NAME}}],
        "readinessProbe": {"httpGet": {"path": "/health", "port": PORT}, "periodSeconds": 1},
        "securityContext": {"runAsUser": 0},  # the folder is root's
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    place = {"hostPath": {"path": str(data), "type": "Directory"}} if data else {"emptyDir": {}}
    pod = {
        "automountServiceAccountToken": False,
        "containers": [container],
        "volumes": [{"name": "data", **place}],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {
            "selector": {"matchLabels": {"app": NAME}},
            "template": {"metadata": {"labels": {"app": NAME}}, "spec": pod},
        },
    }
