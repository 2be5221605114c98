"""Where a command works: on a store alone, or on the cluster of a kubeconfig.

A store is chosen by ``--store``, ``CLT_STORE`` or ``--local``, or by a spec whose store is a URI;
otherwise it is the cluster of the kubeconfig. Where there is no kubeconfig, the default store
serves if it is there.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clt_operator.api.errors import CltError
from clt_operator.cli.options import DEFAULT_NAMESPACE

if TYPE_CHECKING:
    from clt_operator.cluster.api import Api

DEFAULT_STORE = ".clt/store"
PATIENCE = 8.0  # seconds for which a person waits for an API server that does not answer
SERVICE_ACCOUNT = "KUBERNETES_SERVICE_HOST"


class UsageError(CltError):
    """The command line is wrong."""

    exit_code = 2


@dataclass(frozen=True)
class Place:
    """``store`` is the one that was given. ``namespace`` None: the default of the place."""

    on_cluster: bool
    namespace: str | None = None
    store: str | None = None
    local: bool = False
    context: str | None = None
    kubeconfig: str | None = None

    @property
    def given(self) -> dict[str, Any]:
        """What the next command has to be given to work in the same place."""
        if self.on_cluster:
            names = ("namespace", "context", "kubeconfig")
            return {name: getattr(self, name) for name in names}
        local = self.local and not self.store
        return {"local": local, "store": self.store, "namespace": self.namespace}

    def within(self, namespace: str) -> "Place":
        """The same place with a namespace that is settled."""
        return replace(self, namespace=namespace)

    @property
    def store_namespace(self) -> str:
        """Of a place without a cluster."""
        return self.namespace or DEFAULT_NAMESPACE

    def connect(self) -> "Api":
        """Raises ClusterError that says what was tried."""
        from clt_operator.cluster.api import Api

        api = Api.connect(context=self.context, kubeconfig=self.kubeconfig)
        api.patience = PATIENCE
        return api


def place_of(
    *,
    namespace: str | None = None,
    store: str | None = None,
    local: bool = False,
    context: str | None = None,
    kubeconfig: str | None = None,
    spec_store: str = "",
    cluster: bool = False,
) -> Place:
    """Raises UsageError where the options contradict each other, or nothing is to be found.

    With ``cluster`` nothing else will do.
    """
    cluster_named = context is not None or kubeconfig is not None
    if cluster_named and store is not None and store == os.environ.get("CLT_STORE"):
        store = None  # a cluster that is named wins over the variable
    if cluster_named and (store is not None or local):
        option = "--store" if store is not None else "--local"
        raise UsageError(f"{option} means a store without a cluster: leave it out, or the context")
    in_store = Place(False, namespace, store, local)
    if store is not None or local or is_uri(spec_store):
        return in_store
    if cluster_named or has_cluster():
        return Place(True, namespace, context=context, kubeconfig=kubeconfig)
    if cluster:
        raise UsageError(
            "this needs a cluster, and there is no kubeconfig (KUBECONFIG, ~/.kube/config): name "
            "one with --kubeconfig"
        )
    if Path(DEFAULT_STORE).is_dir():
        return in_store
    raise UsageError(
        f"neither a cluster nor a store: there is no kubeconfig (KUBECONFIG, ~/.kube/config) and "
        f"no {DEFAULT_STORE} here; name a cluster with --kubeconfig, or a store with --store or "
        "--local"
    )


def has_cluster() -> bool:
    """Whether there is a kubeconfig, or this is a pod; nothing is read."""
    named = [part for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    files = [Path(part).expanduser() for part in named or ["~/.kube/config"]]
    return any(path.is_file() for path in files) or bool(os.environ.get(SERVICE_ACCOUNT))


def is_uri(store: str) -> bool:
    """Whether a spec's store is an address and not the name of a profile."""
    return "://" in store or store.startswith("file:")
