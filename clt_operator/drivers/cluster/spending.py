"""GPU-hours of an experiment; of attempts that ended, not of those that still spend.

Where a budget or a price makes them matter, they are counted from what the store keeps of every
attempt (when it was claimed, when it ended), so that a driver that starts again counts the same.
Elsewhere that is not worth reading every attempt at each start: a driver goes on from what the
status said, and adds what it sees to end.
"""

import threading
from collections.abc import Mapping
from concurrent.futures import Executor

from clt_operator.api.profiles import Settings
from clt_operator.api.spec.experiment import ExperimentSpec
from clt_operator.api.step import Graph, Step
from clt_operator.api.times import seconds_between
from clt_operator.drivers.view import View
from clt_operator.render.profiles import resources_of, section_of
from clt_operator.store.artifacts import AttemptState


class Spending:
    def __init__(
        self, spec: ExperimentSpec, settings: Settings, graph: Graph, before: float = 0.0
    ) -> None:
        """``before`` are the GPU-hours that a status told."""
        self._budget = spec.compute.budget.gpu_hours
        self._currency = settings.currency
        self._gpus: dict[str, int] = {}  # of all nodes of a step, by kind
        self._price: dict[str, float] = {}  # of a GPU-hour, by kind
        for kind in dict.fromkeys(step.kind for step in graph):
            resources = resources_of(kind, spec.compute)
            pool = settings.pool(resources.pool, f"spec.compute.{section_of(kind)}.pool")
            if resources.gpus:
                self._gpus[kind] = resources.gpus * resources.nodes
                self._price[kind] = pool.gpu_hour_price
        self._exact = bool(self._budget) or any(self._price.values())
        counted = self._gpus if self._exact else {}
        self._keys = [step.key for step in graph if step.kind in counted]
        self._kinds: Mapping[str, str] = {
            step.key: step.kind for step in graph if step.kind in counted
        }
        self._rough = 0.0 if self._exact else before
        self._seconds: dict[str, dict[int, float]] = {}  # key → attempt → seconds
        self._lock = threading.Lock()

    def load(self, view: View, pool: Executor) -> None:
        """Reads the attempts of every step that GPUs work on, where they matter."""
        if self._keys:
            claimed = view.artifacts.attempt_numbers()
            tried = [key for key in self._keys if key in claimed]
            for key, states in zip(tried, pool.map(view.artifacts.attempts, tried), strict=True):
                self._add(key, states)

    def note(self, step: Step, view: View) -> None:
        """An attempt of a step ended."""
        if step.key in self._kinds:
            self._add(step.key, view.artifacts.attempts(step.key))

    def wants(self, kind: str) -> bool:
        """Whether ``add`` has to be told how long attempts of a kind took."""
        return not self._exact and kind in self._gpus

    def add(self, kind: str, seconds: float) -> None:
        with self._lock:
            self._rough += self._gpus[kind] * seconds / 3600

    def gpu_hours(self) -> float:
        return self._rough + sum(
            self._gpus[self._kinds[key]] * spent for key, spent in self._hours()
        )

    def cost(self) -> str:
        """In the currency of the profiles; empty where nothing has a price."""
        if not any(self._price.values()):
            return ""
        total = sum(
            self._price[self._kinds[key]] * self._gpus[self._kinds[key]] * spent
            for key, spent in self._hours()
        )
        return f"{total:.2f} {self._currency}".strip()

    def exhausted(self) -> bool:
        return bool(self._budget) and self.gpu_hours() >= self._budget

    def sentence(self) -> str:
        return (
            f"{self.gpu_hours():.2f} GPU-hours are spent of a budget of {self._budget:g}: what "
            "ran was stopped with its state saved; raise spec.compute.budget.gpuHours to go on"
        )

    def _hours(self) -> list[tuple[str, float]]:
        with self._lock:
            return [(key, sum(spent.values()) / 3600) for key, spent in self._seconds.items()]

    def _add(self, key: str, states: list[AttemptState]) -> None:
        spent = {
            state.claim.attempt: seconds
            for state in states
            if (seconds := _seconds(state)) is not None
        }
        with self._lock:
            self._seconds[key] = spent


def _seconds(state: AttemptState) -> float | None:
    if state.outcome is None:
        return None
    return seconds_between(state.claim.claimed_at, state.outcome.ended_at)
