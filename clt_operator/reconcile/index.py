"""What can be said of a graph once, before anything ran: positions, edges, urgency.

Built once per graph and handed to every reconcile, which then works on integers.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from clt_operator.api.step import Graph, Step

KIND_WEIGHTS: Mapping[str, int] = {"train": 100, "generate": 20, "likelihood": 20, "fetch": 5}
"""How long a kind takes, roughly and relative to the others (1): orders work, nothing else."""


@dataclass(frozen=True)
class Index:
    """A graph by position in its topological order.

    ``urgency`` is the weight of the longest chain of steps from a step (included) to any step
    that nothing reads: the critical path. ``external`` are keys that a step reads and that the
    graph does not make.
    """

    graph: Graph
    keys: tuple[str, ...]
    steps: tuple[Step, ...]
    inputs: tuple[tuple[int, ...], ...]
    external: tuple[tuple[str, ...], ...]
    targets: tuple[int, ...]
    urgency: tuple[int, ...]

    @staticmethod
    def of(graph: Graph, weights: Mapping[str, int] = KIND_WEIGHTS) -> "Index":
        """Raises ValueError where the graph is not in topological order or lacks a target."""
        keys = tuple(graph.steps)
        position = {key: at for at, key in enumerate(keys)}
        unknown = [key for key in graph.targets if key not in position]
        if unknown:
            raise ValueError(f"the graph lacks its own target {unknown[0]}")
        steps = tuple(graph.steps.values())
        inputs, external = [], []
        for at, step in enumerate(steps):
            read = dict.fromkeys(item.key for item in step.inputs)
            known = tuple(position[key] for key in read if key in position)
            if known and max(known) >= at:
                raise ValueError(f"step {step.key} stands before an input of it")
            inputs.append(known)
            external.append(tuple(key for key in read if key not in position))
        return Index(
            graph=graph,
            keys=keys,
            steps=steps,
            inputs=tuple(inputs),
            external=tuple(external),
            targets=tuple(position[key] for key in graph.targets),
            urgency=_urgency(steps, inputs, weights),
        )


def _urgency(
    steps: tuple[Step, ...], inputs: list[tuple[int, ...]], weights: Mapping[str, int]
) -> tuple[int, ...]:
    chain = [0] * len(steps)  # the longest chain that starts behind a step
    for at in range(len(steps) - 1, -1, -1):
        chain[at] += weights.get(steps[at].kind, 1)
        for source in inputs[at]:
            chain[source] = max(chain[source], chain[at])
    return tuple(chain)
