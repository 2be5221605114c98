"""The kinds of objects that we read and write, and where the API serves them."""

from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of object at one version; ``group`` is empty for the core."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    def at(self, version: str) -> Self:
        """The same resource at the version that a server prefers."""
        return replace(self, version=version)

    def path(self, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Of one object, or of the collection where no name is given; without a namespace the
        collection spans all of them."""
        if name and self.namespaced and not namespace:
            raise ValueError(f"{self.kind} {name} needs a namespace")
        if subresource and not name:
            raise ValueError(f"the {subresource} of a {self.kind} needs the object's name")
        root = f"/apis/{self.group}" if self.group else "/api"
        parts = [root, self.version]
        if self.namespaced and namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        if name:
            parts.append(quote(name, safe=":"))  # names of RBAC objects hold colons
        if subresource:
            parts.append(subresource)
        return "/".join(parts)

    def __str__(self) -> str:
        return f"{self.plural}.{self.group}" if self.group else self.plural


KUEUE = "kueue.x-k8s.io"

EXPERIMENTS = Resource("clt.dev", "v1alpha1", "experiments", "Experiment")
JOBS = Resource("batch", "v1", "jobs", "Job")
PODS = Resource("", "v1", "pods", "Pod")
SERVICES = Resource("", "v1", "services", "Service")
CONFIGMAPS = Resource("", "v1", "configmaps", "ConfigMap")
SECRETS = Resource("", "v1", "secrets", "Secret")
LEASES = Resource("coordination.k8s.io", "v1", "leases", "Lease")
EVENTS = Resource("events.k8s.io", "v1", "events", "Event")
NODES = Resource("", "v1", "nodes", "Node", namespaced=False)
NAMESPACES = Resource("", "v1", "namespaces", "Namespace", namespaced=False)
CRDS = Resource(
    "apiextensions.k8s.io",
    "v1",
    "customresourcedefinitions",
    "CustomResourceDefinition",
    namespaced=False,
)
# What a cluster serves of Kueue differs: ask ``Api.served(KUEUE)`` and take ``at`` that version.
WORKLOADS = Resource(KUEUE, "v1beta2", "workloads", "Workload")
LOCAL_QUEUES = Resource(KUEUE, "v1beta2", "localqueues", "LocalQueue")
CLUSTER_QUEUES = Resource(KUEUE, "v1beta2", "clusterqueues", "ClusterQueue", namespaced=False)

MANAGED = "app.kubernetes.io/managed-by=clt"  # selects our Jobs and pods
