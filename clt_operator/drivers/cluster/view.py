"""What a driver on a cluster knows of the store: holders are pods.

The pod of a claim is looked for among the pods that this cluster shows. One that was seen to
end or to go is gone at once; one that was never seen may be another cluster's, and is judged
by its heartbeat.
"""

import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from clt_operator.api.step import Graph, Manifest
from clt_operator.api.times import seconds_between
from clt_operator.drivers.cluster import verdicts
from clt_operator.drivers.cluster.listings import Listings
from clt_operator.drivers.cluster.world import World
from clt_operator.drivers.view import View
from clt_operator.reconcile import Holder
from clt_operator.store.artifacts import Artifacts, AttemptState

POD, JOB = "pod:", "job:"


class ClusterView(View):
    def __init__(
        self,
        artifacts: Artifacts,
        graph: Graph,
        world: World,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(artifacts, graph, clock)
        self._world = world
        self.unsettled: set[str] = set()  # committed; an attempt may lack its outcome
        self.old: dict[str, int] | None = None  # attempts that had ended at the first look
        self.made: dict[str, int] = {}  # the attempt that committed a key, of those seen to
        self.spent: dict[str, float] = {}  # seconds that the committed attempt of a key took
        self._by_kind: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])

    def load(self) -> None:
        super().load()
        ended = self.artifacts.outcome_numbers()
        if self.old is None:
            self.old = {key: max(ended[key]) for key in self.graph.steps if ended.get(key)}
        for key, numbers in self.artifacts.attempt_numbers().items():
            if key in self.committed and not set(numbers) <= set(ended.get(key, ())):
                self.unsettled.add(key)

    def refresh(self, key: str) -> bool:
        before = (key in self.committed, self.attempts.get(key))
        manifest = self.artifacts.manifest(key)
        if manifest is not None:
            if any(state.outcome is None for state in self.attempts.pop(key, ())):
                self.unsettled.add(key)
            self.committed.add(key)
            self.note(manifest)
        else:
            self.committed.discard(key)
            self.attempts[key] = self.artifacts.attempts(key)
        return before != (key in self.committed, self.attempts.get(key))

    def look_for_removed(self) -> None:
        if isinstance(self.artifacts, Listings):
            self.artifacts.forget()  # what is younger than a kept listing would seem removed
        super().look_for_removed()

    def note(self, manifest: Manifest) -> None:
        """Remembers which attempt made a step, and how long it took."""
        self.made[manifest.key] = manifest.attempt
        begin, end = (manifest.provenance.get(name, "") for name in ("started_at", "ended_at"))
        seconds = seconds_between(str(begin), str(end))
        if seconds is not None and manifest.key not in self.spent:
            self.spent[manifest.key] = seconds
            kind = self._by_kind[manifest.kind]
            kind[0] += seconds
            kind[1] += 1

    def mean_seconds(self, kind: str) -> float | None:
        """Of the steps of a kind that were seen to end; None before the first."""
        seconds, steps = self._by_kind[kind]
        return seconds / steps if steps else None

    def holder_of(self, state: AttemptState) -> Holder:
        scheme, _, uid = state.claim.holder.partition(":")
        if scheme == "job":  # the driver's own claim: it writes the outcome next
            return "gone"
        if scheme == "pod":
            pod = self._world.pod(uid)
            if pod is not None:
                return "alive" if self._goes_on(pod) else "gone"
            if self._world.gone(uid):
                return "gone"
        return super().holder_of(state)

    def _goes_on(self, pod: dict[str, Any]) -> bool:
        """Pods that work together end together: how, is known when the last has ended."""
        pods = self._world.beside(pod) if verdicts.is_of_world(pod) else [pod]
        return any(verdicts.alive(one) for one in pods)
