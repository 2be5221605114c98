"""What one experiment gets of an installation: the profiles that its namespace may use.

Manifests are rendered from these.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from clt_operator.api.errors import Problem, SpecError
from clt_operator.api.profiles.entries import PoolProfile, PriorityProfile, StoreProfile
from clt_operator.api.spec_problems import nearest_or_all

POOL_LABEL = "clt.dev/pool"
MEMBER_LABEL = "member.clt.dev/"  # then the experiment's name: who wants a Job


@dataclass(frozen=True)
class Owner:
    """The experiment that wants a Job. Without a uid no object owns the Job, only a label
    tells."""

    name: str
    uid: str = ""

    @property
    def label(self) -> str:
        return f"{MEMBER_LABEL}{self.name}"

    def reference(self) -> dict[str, object]:
        """One of possibly several owners, none of which is the controller."""
        return {
            "apiVersion": "clt.dev/v1alpha1",
            "kind": "Experiment",
            "name": self.name,
            "uid": self.uid,
            "controller": False,
            "blockOwnerDeletion": False,
        }


@dataclass(frozen=True)
class Settings:
    """An installation as a namespace sees it. Where ``pools`` is None, none are defined: a pool
    then means the nodes with the label ``clt.dev/pool: NAME``."""

    image: str
    namespace: str
    store: StoreProfile
    pools: Mapping[str, PoolProfile] | None = None
    queue: str = ""  # of Jobs for which neither spec nor pool names one
    hub_secret: str = ""  # name of a Secret with HF_TOKEN, for fetch alone
    hub_address: str = ""  # empty: the public hub
    hub_name: str = ""  # of the endpoint's profile; empty where there is none
    image_pull_policy: str = "IfNotPresent"
    image_pull_secrets: tuple[str, ...] = ()
    priorities: Mapping[str, PriorityProfile] = field(default_factory=dict)  # by step kind
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""
    store_name: str = ""  # of the profile; empty where the store is given by address

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
        raise SpecError([unknown_pool(path, name, self.pools)])


def unknown_pool(path: str, name: str, known: Mapping[str, object]) -> Problem:
    hint = nearest_or_all(name, sorted(known)) or "the platform team has defined none for you"
    return Problem(path, f"no pool is called '{name}'", hint)


def gang_problem(path: str, nodes: int) -> Problem:
    """Several nodes without admission as a whole."""
    return Problem(
        path,
        f"{nodes} nodes need a queue: without one, two Jobs can each hold a part of the nodes and "
        "wait for the rest for ever",
        "name a queue in spec.compute.queue, or use one node",
    )
