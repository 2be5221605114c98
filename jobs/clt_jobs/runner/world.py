"""The processes that work on a step together: who this one is, from the variables of its pod.

The names are those that ``torchrun`` takes its options from (``PET_NNODES``,
``PET_NPROC_PER_NODE``, ``PET_NODE_RANK``, ``PET_MASTER_ADDR``, ``PET_MASTER_PORT``). Without
them a process is alone, and everything about worlds is passed over.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clt_operator.api.keys import digest
from clt_operator.api.kinds import params_type

PORT = 29500  # where rank 0 listens, unless the pod says otherwise
HERE = "127.0.0.1"
RENDEZVOUS_SECONDS = "CLT_RENDEZVOUS_SECONDS"
GROUP_SECONDS = "CLT_GROUP_TIMEOUT_SECONDS"


@dataclass(frozen=True, slots=True)
class World:
    """``local`` is None in the process that starts the ranks of a pod."""

    nodes: int = 1
    per_node: int = 1
    node: int = 0
    local: int | None = None
    address: str = HERE
    port: int = PORT
    rendezvous_seconds: float = 600.0  # for all ranks to come together
    group_seconds: float = 1800.0  # for a collective operation; longer than the slowest save

    @staticmethod
    def of(environment: Mapping[str, str], local: int | None = None) -> "World":
        """Raises ValueError that names the variable which makes no sense."""
        world = World(
            nodes=_number(environment, "PET_NNODES", 1, 1),
            per_node=_number(environment, "PET_NPROC_PER_NODE", 1, 1),
            node=_number(environment, "PET_NODE_RANK", 0, 0),
            local=local,
            address=environment.get("PET_MASTER_ADDR") or HERE,
            port=_number(environment, "PET_MASTER_PORT", PORT, 1),
            rendezvous_seconds=_number(environment, RENDEZVOUS_SECONDS, 600, 1),
            group_seconds=_number(environment, GROUP_SECONDS, 1800, 1),
        )
        if world.node >= world.nodes:
            raise ValueError(f"PET_NODE_RANK={world.node}: there are {world.nodes} nodes")
        if local is not None and not 0 <= local < world.per_node:
            raise ValueError(f"local rank {local}: there are {world.per_node} on a node")
        if world.nodes > 1 and not environment.get("PET_MASTER_ADDR"):
            raise ValueError("PET_MASTER_ADDR is not set: where do the nodes meet?")
        return world

    @property
    def size(self) -> int:
        return self.nodes * self.per_node

    @property
    def rank(self) -> int:
        return self.node * self.per_node + (self.local or 0)

    def name(self, rank: int) -> str:
        """How people are told of a rank."""
        return f"rank {rank} (node {rank // self.per_node})"

    def variables(self) -> dict[str, str]:
        """What libraries of this process look for."""
        return {
            "RANK": str(self.rank),
            "WORLD_SIZE": str(self.size),
            "LOCAL_RANK": str(self.local or 0),
            "LOCAL_WORLD_SIZE": str(self.per_node),
            "GROUP_RANK": str(self.node),
            "MASTER_ADDR": self.address,
            "MASTER_PORT": str(self.port),
        }

    def record(self, kind: str, backend: str) -> dict[str, Any]:
        """What the provenance of a result says of it."""
        if self.size == 1 or not computed_together(kind):
            return {"size": 1, "nodes": 1, "backend": ""}
        return {"size": self.size, "nodes": self.nodes, "backend": backend}

    def meeting(self, keys: list[str]) -> str:
        """What every rank must agree on before work begins."""
        return digest([self.nodes, self.per_node, keys])


def computed_together(kind: str) -> bool:
    """Whether all ranks compute a step of this kind; of the others, rank 0 does alone."""
    params = params_type(kind)
    return params is not None and params.together


def _number(environment: Mapping[str, str], name: str, default: int, least: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isdecimal() or int(text) < least:
        raise ValueError(f"{name}={text}: must be a whole number of at least {least}")
    return int(text)
