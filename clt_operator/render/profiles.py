"""Which resources a step kind runs by, and the profiles that rendering reads."""

from clt_operator.api.profiles import (
    POOL_LABEL,
    CacheProfile,
    Owner,
    PoolProfile,
    PriorityProfile,
    Settings,
    StoreProfile,
    Toleration,
)
from clt_operator.api.spec.compute import ComputeSpec, ResourcesSpec

__all__ = [
    "POOL_LABEL",
    "CacheProfile",
    "Owner",
    "PoolProfile",
    "PriorityProfile",
    "Settings",
    "StoreProfile",
    "Toleration",
    "resources_of",
    "section_of",
]

# The section of ``compute`` that a step kind runs by; kinds that are not listed are data work.
SECTIONS = {
    "train": "train",
    "generate": "evaluate",
    "likelihood": "evaluate",
    "collect": "report",
    "report": "report",
}
OTHER_SECTION = "data"


def section_of(kind: str) -> str:
    """The field of ``compute`` that says where steps of a kind run."""
    return SECTIONS.get(kind, OTHER_SECTION)


def resources_of(kind: str, compute: ComputeSpec) -> ResourcesSpec:
    resources: ResourcesSpec = getattr(compute, section_of(kind))
    return resources
