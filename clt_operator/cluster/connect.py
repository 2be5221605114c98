"""The road to one API server: address, TLS and credentials, as kubectl would find them.

The ``kubernetes`` package reads kubeconfigs and service accounts and holds the connection pool;
this module is the one place that knows it. Its generated client is passed by: requests go to
the pool directly, with the header that its hooks keep fresh (tokens of service accounts are
read again, login commands are run again before theirs expires).
"""

import logging
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3
import yaml
from kubernetes.client import ApiClient, Configuration
from kubernetes.config import ConfigException
from kubernetes.config.incluster_config import InClusterConfigLoader
from kubernetes.config.kube_config import KubeConfigLoader, KubeConfigMerger

from clt_operator.cluster.errors import ClusterError

CONNECT_SECONDS = 5.0  # TCP and TLS
TOKEN_SECONDS = 5.0  # for which the authorization header is taken as it is
RELOAD_SECONDS = 10.0  # between two readings of the configuration after a 401
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
IN_CLUSTER = "KUBERNETES_SERVICE_HOST"
ELSEWHERE = "set KUBECONFIG or pass --kubeconfig"

logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)  # "pool is full" is normal


class Connection:
    """Sends requests to one API server; safe to share between threads."""

    def __init__(self, context: str | None, kubeconfig: str | None, connections: int) -> None:
        self._wanted = context, kubeconfig, connections
        self._lock = threading.Lock()
        self._load()

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        *,
        read_seconds: float,
        connect_seconds: float = CONNECT_SECONDS,
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        """One try, whatever its status; urllib3's own errors where there is no answer.

        ``read_seconds`` is the longest silence, not the longest answer.
        """
        sent = dict(headers)
        if authorization := self._authorization():
            sent["authorization"] = authorization
        response: urllib3.BaseHTTPResponse = self._pool.urlopen(
            method,
            self._root + path,
            body=body,
            headers=sent,
            timeout=urllib3.Timeout(connect=connect_seconds, read=read_seconds),
            retries=False,
            redirect=False,
            preload_content=not stream,
        )
        return response

    def renew(self) -> bool:
        """Reads the configuration again after a 401: a token or a certificate may have been
        replaced. False where that was done a moment ago."""
        with self._lock:
            if time.monotonic() - self._loaded < RELOAD_SECONDS:
                return False
            self._load()
            return True

    def close(self) -> None:
        self._client.close()

    def _load(self) -> None:
        context, kubeconfig, connections = self._wanted
        configuration = Configuration()
        configuration.connection_pool_maxsize = connections
        configuration.keep_alive = True  # a watch whose peer vanished ends
        self.origin, self.namespace = configure(configuration, context, kubeconfig)
        self.server: str = configuration.host
        self._client = ApiClient(configuration)
        self._pool, self._root = _pool(self._client.rest_client.pool_manager, configuration)
        self._loaded = time.monotonic()
        self._header, self._header_until = "", 0.0

    def _authorization(self) -> str:
        if time.monotonic() < self._header_until:
            return self._header
        with self._lock:
            try:
                settings = self._client.configuration.auth_settings()  # runs the hooks
            except (ConfigException, OSError) as error:
                raise ClusterError(f"the credentials of {self.origin} fail: {error}") from error
            self._header = str(settings.get("BearerToken", {}).get("value") or "").strip()
            self._header_until = time.monotonic() + TOKEN_SECONDS
            return self._header


def configure(configuration: Any, context: str | None, kubeconfig: str | None) -> tuple[str, str]:
    """Fills in the package's Configuration; returns where it came from and the namespace.

    A kubeconfig that is named, else ``KUBECONFIG``, else ``~/.kube/config``, else the service
    account of the pod that this is. Raises ClusterError that says what was tried.
    """
    named = kubeconfig or os.environ.get("KUBECONFIG", "")
    files = [Path(part).expanduser() for part in named.split(os.pathsep) if part]
    present = [path for path in files or [Path("~/.kube/config").expanduser()] if path.is_file()]
    try:
        if present:
            return _from_files(configuration, context, present)
        if kubeconfig:
            raise ClusterError(f"no kubeconfig at {kubeconfig}: {ELSEWHERE}")
        if not context and os.environ.get(IN_CLUSTER):
            return _from_pod(configuration)
    except (ConfigException, OSError, ValueError, yaml.YAMLError) as error:
        place = os.pathsep.join(map(str, present)) or "the pod's service account"
        raise ClusterError(f"cannot use {place}: {error}") from error
    except (TypeError, KeyError, AttributeError) as error:
        raise ClusterError(f"{os.pathsep.join(map(str, present))} is no kubeconfig") from error
    tried = ", ".join(f"{path} (no such file)" for path in files) or "~/.kube/config (no such file)"
    raise ClusterError(
        f"no cluster to talk to: tried {tried} and the service account of a pod (not in one): "
        f"{ELSEWHERE}"
    )


def _from_files(configuration: Any, context: str | None, files: list[Path]) -> tuple[str, str]:
    merged = KubeConfigMerger(os.pathsep.join(map(str, files)))
    contents: dict[str, dict[str, Any]] = merged.config_files
    place = os.pathsep.join(contents)
    contexts = _named(contents, "contexts", "context")
    # The first file that names one decides, as with kubectl; the package lets the last one.
    first = (file.get("current-context") for file in contents.values())
    name = context or next((current for current in first if current), None)
    if name is None:
        raise ClusterError(f"{place} names no current context: pass --context {_any_of(contexts)}")
    if name not in contexts:
        raise ClusterError(f"{place} has no context '{name}': it has {_any_of(contexts)}")
    origin = f"context '{name}' of {place}"
    loader = KubeConfigLoader(
        config_dict=merged.config,
        active_context=name,
        config_base_path=None,
        config_persister=merged.save_changes,
    )
    loader.load_and_set(configuration)
    user = _named(contents, "users", "user").get(str(contexts[name].get("user")), {})
    if "exec" in user and not configuration.api_key and not configuration.cert_file:
        command = (user["exec"] or {}).get("command", "")
        raise ClusterError(f"the login command '{command}' of {origin} gave no credentials: run it")
    return origin, str(contexts[name].get("namespace") or "default")


def _from_pod(configuration: Any) -> tuple[str, str]:
    loader = InClusterConfigLoader(
        token_filename=str(SERVICE_ACCOUNT / "token"), cert_filename=str(SERVICE_ACCOUNT / "ca.crt")
    )
    loader.load_and_set(configuration)
    namespace = SERVICE_ACCOUNT / "namespace"
    own = namespace.read_text(encoding="utf-8").strip() if namespace.is_file() else ""
    return "the pod's service account", own or "default"


def _named(
    contents: Mapping[str, Mapping[str, Any]], section: str, field: str
) -> dict[str, dict[str, Any]]:
    """The entries of a section by name; of two with one name the first file's counts."""
    found: dict[str, dict[str, Any]] = {}
    for file in contents.values():
        for entry in file.get(section) or ():
            found.setdefault(entry.get("name", ""), entry.get(field) or {})
    return found


def _any_of(contexts: Mapping[str, object]) -> str:
    return ", ".join(f"'{name}'" for name in contexts) or "none"


def _pool(manager: Any, configuration: Any) -> tuple[Any, str]:
    """What sends requests, and what stands before their paths: one pool, without looking it up
    anew, except through a proxy for plain HTTP, which wants whole addresses."""
    host = configuration.host.rstrip("/")
    if isinstance(manager, urllib3.ProxyManager) and urlsplit(host).scheme == "http":
        return manager, host
    return manager.connection_from_url(host), urlsplit(host).path
