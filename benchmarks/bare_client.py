"""As little as a Python client can do: server-side apply of manifests over 8 connections.

    python benchmarks/bare_client.py KUBECONFIG MANIFESTS

``MANIFESTS`` holds one Job as JSON a line. No retries, no caches, no stores: the yardstick that
the operator is held against.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import urllib3
from kubernetes.config import new_client_from_config

CONNECTIONS = 8


def main() -> None:
    kubeconfig, manifests = sys.argv[1:]
    client = new_client_from_config(config_file=kubeconfig)
    client.configuration.connection_pool_maxsize = CONNECTIONS
    client = type(client)(client.configuration)
    headers = {"content-type": "application/apply-patch+yaml", "accept": "application/json"}
    client.update_params_for_auth(headers, [], ["BearerToken"], "", "PATCH", None)
    pool: urllib3.PoolManager = client.rest_client.pool_manager

    def apply(line: str) -> None:
        meta = json.loads(line)["metadata"]
        path = f"/apis/batch/v1/namespaces/{meta['namespace']}/jobs/{meta['name']}"
        url = f"{client.configuration.host}{path}?fieldManager=bare&force=true"
        answer = pool.request("PATCH", url, body=line.encode(), headers=headers, retries=False)
        if answer.status >= 300:
            raise SystemExit(f"{answer.status}: {answer.data[:500]!r}")

    lines = Path(manifests).read_text(encoding="utf-8").splitlines()
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        list(threads.map(apply, lines))


if __name__ == "__main__":
    main()
