"""Collects steps while planning: one step per key, in the order in which inputs come first."""

from collections.abc import Mapping
from typing import Any

from clt_operator.api.base import Params
from clt_operator.api.lock import Lock
from clt_operator.api.spec.compute import ResourcesSpec
from clt_operator.api.spec.experiment import ExperimentSpec
from clt_operator.api.step import Graph, Input, Step, Work, make_step


class Full(Exception):
    """More steps than a plan may have."""


class Builder:
    """``most`` steps are collected; 0: any number."""

    def __init__(self, spec: ExperimentSpec, lock: Lock, most: int = 0) -> None:
        self.spec = spec
        self.lock = lock
        self.most = most
        self.steps: dict[str, Step] = {}
        self.data_hints = self.hints(spec.compute.data, "score")  # shared by all score steps

    def work(self, params: Params) -> Work:
        """Parameters at the kind version that the lock pinned."""
        return Work(params, self.lock.kind_versions.get(params.kind))

    def add(
        self,
        work: Work,
        inputs: tuple[Input, ...],
        labels: Mapping[str, str],
        hints: Mapping[str, Any],
    ) -> Step:
        """The step of these parameters and inputs; the first to ask for it labels it.

        Raises Full where it is one step too many.
        """
        step = make_step(work, inputs, labels, hints)
        if self.most and len(self.steps) >= self.most and step.key not in self.steps:
            raise Full
        return self.steps.setdefault(step.key, step)

    def graph(self, targets: tuple[str, ...]) -> Graph:
        return Graph(self.steps, targets)

    def hints(self, resources: ResourcesSpec, batch: str, **more: Any) -> dict[str, Any]:
        """Hints that every kind has: threads, and the group in which steps may share a Job."""
        return {
            "threads": resources.threads,
            "batch": batch,
            "pool": resources.pool,
            "image": resources.image,
            **more,
        }
