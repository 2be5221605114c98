"""Single profiles, as the platform team writes them.

Which namespaces may use one is part of it. Secrets are named, never held: a value that looks
like a credential is refused.
"""

import re
from fnmatch import fnmatchcase
from typing import Annotated, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from clt_operator.api.base import SpecModel
from clt_operator.api.spec.names import Count, PositiveCount

_OBJECT = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_KEYLIKE = "SECRET|TOKEN|ACCESS_KEY|PASSW|CREDENTIAL|PRIVATE|API_?KEY"
_SECRET = re.compile(_KEYLIKE, re.IGNORECASE)
_PATTERN = re.compile(r"[-a-z0-9*?\[\]!]+")
_OWN_DOMAINS = re.compile(r"(.*\.)?(clt\.dev|kubernetes\.io|k8s\.io)")

# What pods are told by their manifests: a profile cannot change it.
_RESERVED = re.compile(
    r"CLT_(?!S3_|RENDEZVOUS_SECONDS|GROUP_TIMEOUT_SECONDS).*|PET_.*|PYTHON.*|HOME|PATH|LD_.*"
    r"|.*_NUM_THREADS|.*_OFFLINE|TOKENIZERS_.*"
)


def _object_name(name: str) -> str:
    if name and not (_OBJECT.fullmatch(name) and len(name) <= 253):
        raise ValueError(
            f"'{name}' cannot be the name of an object: small letters, digits, '-' and '.', a "
            "letter or digit at both ends, at most 253 characters"
        )
    return name


def label_value(value: str) -> str:
    """The value itself. Raises ValueError where it cannot be a label's."""
    if value and not (_LABEL.fullmatch(value) and len(value) <= 63):
        raise ValueError(
            f"'{value}' cannot be a label: letters, digits, '-', '_' and '.', a letter or digit "
            "at both ends, at most 63 characters"
        )
    return value


def _label_key(key: str) -> str:
    prefix, slash, name = key.rpartition("/")
    if not name or (slash and not prefix):
        raise ValueError(f"'{key}' cannot be the name of a label")
    label_value(name)
    return f"{_object_name(prefix)}/{name}" if slash else name


def _extra_label(key: str) -> str:
    if _OWN_DOMAINS.fullmatch(_label_key(key).rpartition("/")[0]):
        raise ValueError(f"'{key}' is set by the operator, Kueue or Kubernetes")
    return key


def _extra_annotation(key: str) -> str:
    if _label_key(key).startswith("clt.dev/"):
        raise ValueError(f"'{key}' is set by the operator")
    return key


def _namespace_pattern(pattern: str) -> str:
    if not _PATTERN.fullmatch(pattern):
        raise ValueError(f"'{pattern}' matches no namespace: write a name, or one with '*'")
    return pattern


def _plain_variable(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise ValueError(f"'{name}' is no name of an environment variable")
    if _SECRET.search(name):
        raise ValueError(f"'{name}' looks like a credential: put it into the Secret")
    if _RESERVED.fullmatch(name):
        raise ValueError(f"'{name}' is set by the operator")
    return name


def _plain_value(value: str) -> str:
    if "@" in urlsplit(value).netloc:
        raise ValueError("holds a credential (user@host): put it into the Secret")
    return value


def _store_uri(uri: str) -> str:
    parts = urlsplit(uri.replace("{namespace}", "n"))
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    options.pop("checksums", None)
    if parts.scheme != "s3" or not parts.netloc or "@" in parts.netloc or options:
        raise ValueError(
            f"'{uri}' is no store of a cluster: write s3://bucket/prefix, at most with "
            "?checksums=when_required"
        )
    _whole_segments(parts.path)
    return uri


def _prefix(uri: str) -> str:
    parts = urlsplit(uri)
    if parts.scheme != "s3" or not parts.netloc or "@" in parts.netloc or parts.query:
        raise ValueError(f"'{uri}' is no prefix of a bucket: write s3://bucket/prefix")
    if re.search(r"[*?{}\[\]]", uri):
        raise ValueError(f"'{uri}' holds a pattern: write a prefix, all below it may be read")
    _whole_segments(parts.path)
    return uri.rstrip("/")


def _whole_segments(path: str) -> None:
    if any(part in ("", ".", "..") for part in path.strip("/").split("/")) and path.strip("/"):
        raise ValueError(f"'{path}' has an empty, '.' or '..' segment")


def _address(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.netloc or "@" in parts.netloc:
        raise ValueError(f"'{address}' is no address: write https://host/path, no credentials")
    return address


def _any_case(words: str) -> str:
    """A pattern for schemas, whose dialects agree on no flag that ignores case."""
    return "".join(f"[{c}{c.lower()}]" if c.isalpha() else c for c in words)


# What a schema says of these types, so that a chart refuses a key before it is in a ConfigMap.
# The validators above say more, and why.
_VARIABLE_SCHEMA: JsonDict = {
    "pattern": rf"^{_VARIABLE.pattern}$",
    "not": {"pattern": _any_case(_KEYLIKE)},
}
_VALUE_SCHEMA: JsonDict = {"not": {"pattern": r"^([A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*@"}}
_URI_SCHEMA: JsonDict = {"pattern": r"^s3://[^/?#@]+(/[^?#]*)?(\?checksums=[^&#]*)?$"}
_PREFIX_SCHEMA: JsonDict = {"pattern": r"^s3://[^/?#@*{}\[\]]+(/[^?#*{}\[\]]*)?$"}
_ADDRESS_SCHEMA: JsonDict = {"pattern": r"^https?://[^/?#@]+([/?#].*)?$"}
_ONE_CACHE: JsonDict = {
    "oneOf": [
        {"required": [name], "properties": {name: {"minLength": 1}}}
        for name in ("claim", "storageClass")
    ]
}

ObjectRef = Annotated[str, Field(max_length=253), AfterValidator(_object_name)]
LabelValue = Annotated[str, Field(max_length=63), AfterValidator(label_value)]
LabelKey = Annotated[str, Field(max_length=317), AfterValidator(_label_key)]
ExtraLabel = Annotated[str, Field(max_length=317), AfterValidator(_extra_label)]
ExtraAnnotation = Annotated[str, Field(max_length=317), AfterValidator(_extra_annotation)]
NamespacePattern = Annotated[str, Field(max_length=63), AfterValidator(_namespace_pattern)]
Variable = Annotated[
    str, Field(max_length=128, json_schema_extra=_VARIABLE_SCHEMA), AfterValidator(_plain_variable)
]
Value = Annotated[
    str, Field(max_length=1024, json_schema_extra=_VALUE_SCHEMA), AfterValidator(_plain_value)
]
StoreUri = Annotated[
    str, Field(max_length=1024, json_schema_extra=_URI_SCHEMA), AfterValidator(_store_uri)
]
Prefix = Annotated[
    str, Field(max_length=1024, json_schema_extra=_PREFIX_SCHEMA), AfterValidator(_prefix)
]
Address = Annotated[
    str, Field(max_length=1024, json_schema_extra=_ADDRESS_SCHEMA), AfterValidator(_address)
]


class Profile(SpecModel):
    """What some namespaces may use."""

    namespaces: list[NamespacePattern] = Field(
        ["*"],
        max_length=100,
        description="Namespaces that may use it: names, or patterns such as 'team-*'.",
    )

    def open_to(self, namespace: str) -> bool:
        return any(fnmatchcase(namespace, pattern) for pattern in self.namespaces)


class StoreProfile(Profile):
    """A prefix of a bucket, and how pods reach it.

    All who may use a store share what is computed in it, and can overwrite one another's
    results: give teams that do not trust each other stores of their own, or ``{namespace}`` in
    the ``uri`` with credentials that reach no further.
    """

    uri: StoreUri = Field(
        description="s3://bucket/prefix; {namespace} in the prefix becomes the experiment's, so "
        "that namespaces share nothing."
    )
    secret: ObjectRef = Field(
        "",
        description="Secret in the experiment's namespace whose keys become environment "
        "variables of its pods: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY.",
    )
    service_account: ObjectRef = Field(
        "",
        description="Service account of the pods, where the cloud gives it the right to the "
        "bucket (IRSA, workload identity). Pods never get a token of Kubernetes.",
    )
    environment: dict[Variable, Value] = Field(
        {},
        max_length=32,
        description="Variables without secrets: AWS_ENDPOINT_URL, AWS_REGION, …",
    )
    inputs: list[Prefix] = Field(
        [],
        max_length=100,
        description="Other prefixes, s3://bucket/prefix, from which a spec may read data and "
        "models; the store's own may always be read.",
    )
    default: bool = Field(
        False, description="Used where a spec names no store. The only store is default anyway."
    )

    def within(self, namespace: str) -> "StoreProfile":
        """The store with the prefix that a namespace has in it."""
        return self.model_copy(update={"uri": self.uri.replace("{namespace}", namespace)})

    @property
    def readable(self) -> tuple[str, ...]:
        """Prefixes that a spec may read from, without a slash at the end."""
        return (self.uri.partition("?")[0].rstrip("/"), *self.inputs)


class Toleration(SpecModel):
    key: LabelKey = Field(min_length=1, description="Key of the taint.")
    value: LabelValue = Field("", description="Value of the taint; empty: whatever it is.")
    effect: Literal["", "NoSchedule", "PreferNoSchedule", "NoExecute"] = Field(
        "", description="Effect of the taint; empty: all effects."
    )


class CacheProfile(SpecModel):
    """A volume at ``$CLT_CACHE`` in which pods keep what they read from the store.

    Exactly one of ``claim`` and ``storageClass``. A directory of the node (hostPath) is not
    offered: the ``restricted`` pod security standard forbids it.
    """

    model_config = ConfigDict(json_schema_extra=_ONE_CACHE)

    claim: ObjectRef = Field(
        "",
        description="Claim in the experiment's namespace, shared by its pods: ReadWriteMany, or "
        "of a node's own disk.",
    )
    storage_class: ObjectRef = Field(
        "", description="Class of a volume that lives as long as the pod (ephemeral)."
    )
    size: str = Field(
        "100Gi",
        pattern=r"^[1-9][0-9]*(Mi|Gi|Ti)$",
        max_length=16,
        description="Size of a volume made from storageClass.",
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.claim) == bool(self.storage_class):
            raise ValueError("needs either claim or storageClass")
        return self


class PoolProfile(Profile):
    """Nodes of one sort, and how to get onto them."""

    node_selector: dict[LabelKey, LabelValue] = Field(
        {}, max_length=32, description="Labels of the nodes."
    )
    tolerations: list[Toleration] = Field(
        [], max_length=32, description="Taints of the nodes that are tolerated."
    )
    gpu_resource: LabelKey = Field("nvidia.com/gpu", description="What a GPU is called there.")
    max_gpus: Count = Field(
        0, description="GPUs of one node: who asks for more would wait for ever; 0: not known."
    )
    gpu_hour_price: float = Field(
        0.0, ge=0, le=1e6, allow_inf_nan=False, description="Price of one GPU for an hour; 0: none."
    )
    runtime_class: ObjectRef = Field("", description="RuntimeClass of the pods.")
    priority_class: ObjectRef = Field("", description="PriorityClass of the pods.")
    queue: LabelValue = Field(
        "", description="Queue (Kueue) of Jobs of this pool whose spec names none."
    )
    weight_cache: CacheProfile | None = Field(
        None, description="Keeps models near the pods that load them again and again."
    )


class EndpointProfile(Profile):
    """A service outside that some steps reach: a hub (fetch alone) or a judge."""

    kind: Literal["hub", "judge"] = Field(description="What it is.")
    address: Address = Field(description="Address, with its scheme, no credentials in it.")
    secret: ObjectRef = Field(
        "",
        description="Secret in the experiment's namespace whose keys become environment "
        "variables of the steps that reach it: HF_TOKEN of a hub.",
    )
    default: bool = Field(False, description="Preferred over others of its kind.")


class PriorityProfile(SpecModel):
    """Priority of the Jobs of one step kind."""

    workload: LabelValue = Field(
        "", description="WorkloadPriorityClass (Kueue): the order of admission to a queue."
    )
    pod: ObjectRef = Field(
        "", description="PriorityClass of the pods; stands above that of the pool."
    )


class Limits(SpecModel):
    """Bounds that keep one experiment from hurting others."""

    steps: PositiveCount = Field(20_000, description="Steps of one experiment.")
    outstanding_jobs: PositiveCount = Field(
        500, description="Jobs of one experiment that exist at a time."
    )
    launches_per_second: PositiveCount = Field(50, description="Jobs made in a second, by all.")
    runs_exposed: Count = Field(1000, description="Runs of one experiment that metrics show.")
