"""The values of the chart as types: the source of its schema.

What a field means stands in ``values.yaml``, beside its default; here is what it may hold. Only
what is Kubernetes' own and goes through unread (``Free``) may have any fields: the API server
checks it.
"""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, WithJsonSchema

from clt_operator.api.base import SpecModel
from clt_operator.api.profiles import Profiles
from clt_operator.api.spec.names import Name

_OBJECT = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
_DOTTED = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$"
_QUANTITY = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$"

Free = Annotated[dict[str, Any], WithJsonSchema({"type": "object", "additionalProperties": True})]
Namespace = Annotated[str, Field(pattern=_OBJECT, max_length=63)]
Object = Annotated[str, Field(pattern=_DOTTED, min_length=1, max_length=253)]
Optional = Annotated[str, Field(pattern=_DOTTED, max_length=253)]
Prefix = Annotated[str, Field(pattern=_DOTTED, max_length=40)]
Texts = dict[str, str]
Quantity = Annotated[
    str,
    WithJsonSchema(
        {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": _QUANTITY}]}
    ),
]
Port = Annotated[int, Field(ge=1, le=65535)]
Ports = Annotated[list[Port], Field(min_length=1)]
PodLabel = Annotated[  # those of the selector and of every object are the chart's to set
    str, Field(json_schema_extra={"not": {"pattern": r"^(app\.kubernetes\.io|helm\.sh)/"}})
]
Seconds = Annotated[str, Field(pattern=r"^[0-9]+(s|m|h)$")]
PullPolicy = Literal["Always", "IfNotPresent", "Never"]


class Image(SpecModel):
    repository: str = Field(min_length=1, pattern=r"^[^\s@]+$")
    tag: str = Field("", max_length=128, pattern=r"^[A-Za-z0-9_.-]*$")
    digest: str = Field("", pattern=r"^(sha256:[0-9a-f]{64})?$")
    pull_policy: PullPolicy = "IfNotPresent"


class Jobs(SpecModel):
    image: Image


class Crds(SpecModel):
    enabled: bool
    keep: bool


class Rbac(SpecModel):
    create: bool
    cluster_roles: bool
    aggregate: bool


class Subject(SpecModel):
    """Who a role is bound to."""

    kind: Literal["User", "Group", "ServiceAccount"] = Field(description="What it is.")
    name: str = Field(min_length=1, description="Its name.")
    namespace: Namespace | None = Field(None, description="Of a service account.")


class TenantAccount(SpecModel):
    """A service account for pods of Jobs, by which a cloud gives them the bucket."""

    name: Object = Field(description="The profile of the store names it: `serviceAccount`.")
    annotations: Texts = Field({}, description="Such as the cloud's role.")


class IpBlock(SpecModel):
    cidr: str = Field(pattern=r"^[0-9A-Fa-f.:]+/[0-9]{1,3}$")
    except_: list[Annotated[str, Field(pattern=r"^[0-9A-Fa-f.:]+/[0-9]{1,3}$")]] = Field(
        [], alias="except"
    )


class Peer(SpecModel):
    """Where a NetworkPolicy leads: an ipBlock, or pods by selectors."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})
    ip_block: IpBlock | None = None
    namespace_selector: Free | None = None
    pod_selector: Free | None = None


class Service(SpecModel):
    to: list[Peer]
    ports: Ports


class StoreService(SpecModel):
    """One of the services by which a store is reached. To nowhere would be to everywhere."""

    to: list[Peer] = Field(min_length=1)
    ports: Ports = [443]


class TenantPolicies(SpecModel):
    store: list[StoreService] = Field(min_length=1)


class Tenant(SpecModel):
    """A namespace whose experiments the operator drives."""

    name: Namespace = Field(description="The namespace.")
    create: bool = Field(
        False, description="Make it. It outlives the release, since it holds experiments."
    )
    labels: Texts = Field({}, description="Labels of a namespace that is made.")
    annotations: Texts = Field({}, description="Annotations of a namespace that is made.")
    pod_security: Literal["restricted", "baseline", "privileged", ""] = Field(
        "restricted",
        description="Pod security standard that a namespace that is made enforces; Jobs keep "
        "the strictest.",
    )
    editors: list[Subject] = Field(
        [], description="Who declares experiments: bound to clt-editor there."
    )
    viewers: list[Subject] = Field([], description="Who only looks: bound to clt-viewer there.")
    local_queues: dict[Object, Object] = Field(
        {}, description="LocalQueues, with `queues.enabled`: name to the ClusterQueue."
    )
    service_accounts: list[TenantAccount] = Field(
        [], description="Service accounts with a cloud identity: `name` and `annotations`."
    )
    network_policies: TenantPolicies | None = Field(
        None,
        description="`store` as in the values of that name, for this namespace in their place.",
    )


class ConfigMapSwitch(SpecModel):
    create: bool


class ServiceAccount(SpecModel):
    create: bool
    name: Optional
    annotations: Texts


class Amounts(SpecModel):
    cpu: Quantity | None = None
    memory: Quantity | None = None
    ephemeral_storage: Quantity | None = Field(None, alias="ephemeral-storage")


class Resources(SpecModel):
    requests: Amounts | None = None
    limits: Amounts | None = None


class Switch(SpecModel):
    enabled: bool


class Operator(SpecModel):
    replicas: int = Field(ge=0, le=5)
    verbose: bool
    resources: Resources
    priority_class_name: Optional
    node_selector: Texts
    tolerations: list[Free]
    affinity: Free
    topology_spread_constraints: list[Free]
    pod_labels: dict[PodLabel, str]
    pod_annotations: Texts
    extra_env: list[Free]
    extra_volumes: list[Free]
    extra_volume_mounts: list[Free]
    termination_grace_period_seconds: int = Field(ge=1, le=3600)
    pod_disruption_budget: Switch


class Flavor(SpecModel):
    node_labels: Texts = {}
    tolerations: list[Free] = []


class Share(SpecModel):
    """A flavour of a ClusterQueue."""

    name: Object
    quota: dict[str, Quantity] = Field(min_length=1)


class Preemption(SpecModel):
    within_cluster_queue: Literal["Never", "LowerPriority", "LowerOrNewerEqualPriority"] = "Never"
    reclaim_within_cohort: Literal["Never", "LowerPriority", "Any"] = "Never"


class ClusterQueue(SpecModel):
    flavors: list[Share] = Field(min_length=1)
    namespace_selector: Free = {}
    cohort: Optional = ""
    preemption: Preemption | None = None


class Queues(SpecModel):
    enabled: bool
    flavors: dict[Object, Flavor]
    cluster_queues: dict[Object, ClusterQueue]
    priority_classes: dict[Object, int]


class Ranks(SpecModel):
    ports: list[Port] = Field(min_length=2, max_length=2)


class Scrapers(SpecModel):
    from_: list[Peer] = Field(alias="from")


class NetworkPolicies(SpecModel):
    enabled: bool
    dns: Service
    store: list[StoreService]
    hub: Service
    judge: Service
    api_server: Service
    ranks: Ranks
    monitoring: Scrapers


class Monitor(SpecModel):
    enabled: bool
    labels: Texts
    interval: Seconds


class Rules(SpecModel):
    enabled: bool
    labels: Texts


class Dashboards(SpecModel):
    enabled: bool
    namespace: Optional
    labels: Texts
    annotations: Texts


class Monitoring(SpecModel):
    service_monitor: Monitor
    pod_monitor: Monitor
    rules: Rules
    dashboards: Dashboards


class Values(SpecModel):
    """Values of the chart clt. A chart that includes it may pass ``global``, which is not used."""

    name_override: Prefix
    fullname_override: Prefix
    image: Image
    image_pull_secrets: list[Object]
    jobs: Jobs
    crds: Crds
    rbac: Rbac
    watch_all_namespaces: bool
    tenants: list[Tenant]
    readers: list[Subject]
    profiles_config_map: ConfigMapSwitch
    profiles: Profiles
    credentials: dict[Name, Object]
    endpoint_credentials: dict[Name, Object]
    service_account: ServiceAccount
    operator: Operator
    queues: Queues
    network_policies: NetworkPolicies
    monitoring: Monitoring
    global_: Free = Field({}, alias="global")
