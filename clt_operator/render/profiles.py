"""What the platform team defines once and a spec only names: pools, the store, the image."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from clt_operator.api.errors import Problem, SpecError
from clt_operator.api.spec.compute import ComputeSpec, ResourcesSpec

POOL_LABEL = "clt.dev/pool"

# The section of ``compute`` that a step kind runs by; kinds that are not listed are data work.
SECTIONS = {
    "train": "train",
    "generate": "evaluate",
    "likelihood": "evaluate",
    "collect": "report",
    "report": "report",
}
OTHER_SECTION = "data"


@dataclass(frozen=True)
class Toleration:
    key: str
    value: str = ""  # empty: whatever the taint's value is
    effect: str = ""  # empty: all effects


@dataclass(frozen=True)
class PoolProfile:
    """Nodes of one sort, and how to get onto them."""

    node_selector: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()
    gpu_resource: str = "nvidia.com/gpu"
    runtime_class: str = ""
    priority_class: str = ""


@dataclass(frozen=True)
class StoreProfile:
    """The store as pods reach it; credentials come from a Secret, never through a manifest."""

    uri: str
    secret: str = ""  # name of a Secret whose keys become environment variables
    environment: Mapping[str, str] = field(default_factory=dict)  # endpoint, region, …


@dataclass(frozen=True)
class Settings:
    """An installation. Where ``pools`` is None, none are defined: a pool then means the nodes
    with the label ``clt.dev/pool: NAME``."""

    image: str
    namespace: str
    store: StoreProfile
    pools: Mapping[str, PoolProfile] | None = None
    queue: str = ""  # of Jobs whose spec names none
    hub_secret: str = ""  # name of a Secret with HF_TOKEN, for fetch alone
    image_pull_policy: str = "IfNotPresent"

    def pool(self, name: str, path: str) -> PoolProfile:
        """The profile that a spec names at ``path``; the empty name is any node.

        Raises SpecError where no such pool is defined.
        """
        if not name:
            return PoolProfile()
        if self.pools is None:
            return PoolProfile(node_selector={POOL_LABEL: name})
        if name in self.pools:
            return self.pools[name]
        close = get_close_matches(name, self.pools, n=1)
        known = ", ".join(sorted(self.pools)) or "none"
        hint = f"did you mean '{close[0]}'?" if close else f"known: {known}"
        raise SpecError([Problem(path, f"no pool is named '{name}'", hint)])


def section_of(kind: str) -> str:
    """The field of ``compute`` that says where steps of a kind run."""
    return SECTIONS.get(kind, OTHER_SECTION)


def resources_of(kind: str, compute: ComputeSpec) -> ResourcesSpec:
    resources: ResourcesSpec = getattr(compute, section_of(kind))
    return resources
