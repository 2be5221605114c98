"""What a driver knows of the store: read once, then kept up to date key by key.

Nothing here writes. A claim without an outcome is told alive from gone by its process where
that is on this host, by its heartbeat elsewhere.
"""

import time
from collections.abc import Callable, Mapping

from clt_operator.api.holder import LocalHolder
from clt_operator.api.step import Graph
from clt_operator.api.times import epoch
from clt_operator.drivers.process import is_alive, this_host
from clt_operator.reconcile import Attempt, Holder, Observed
from clt_operator.store.artifacts import Artifacts, AttemptState

FRESH = 120.0  # seconds for which a heartbeat on another host vouches for its process


class View:
    def __init__(
        self, artifacts: Artifacts, graph: Graph, clock: Callable[[], float] = time.time
    ) -> None:
        self.artifacts, self.graph, self._clock = artifacts, graph, clock
        self.committed: set[str] = set()
        self.attempts: dict[str, list[AttemptState]] = {}

    def load(self) -> None:
        """Two listings, and the attempts of what is not committed."""
        there = self.artifacts.committed()
        claimed = self.artifacts.attempt_numbers()
        wanted = {key for step in self.graph for key in (step.key, *(i.key for i in step.inputs))}
        self.committed = wanted & there
        for key in self.graph.steps:
            if key in claimed and key not in self.committed:
                self.attempts[key] = self.artifacts.attempts(key)

    def refresh(self, key: str) -> bool:
        """Looks at one step again; True where something is new."""
        before = (key in self.committed, self.attempts.get(key))
        if self.artifacts.manifest(key) is not None:
            self.committed.add(key)
        else:
            self.committed.discard(key)
            self.attempts[key] = self.artifacts.attempts(key)
        return before != (key in self.committed, self.attempts.get(key))

    def look_for_removed(self) -> None:
        """Forgets artifacts that were invalidated or collected; one listing."""
        self.committed &= self.artifacts.committed()

    def open_claims(self) -> dict[str, list[AttemptState]]:
        """Uncommitted keys with the attempts that have not ended."""
        return {
            key: still
            for key, states in self.attempts.items()
            if key not in self.committed and (still := [s for s in states if s.outcome is None])
        }

    def holder_of(self, state: AttemptState) -> Holder:
        """Whether the holder of an open claim is there."""
        local = LocalHolder.parse(state.claim.holder)
        if local and local.host == this_host():
            return "alive" if is_alive(local) else "gone"
        heard = epoch(state.claim.claimed_at)
        if (progress := self.artifacts.progress(state.claim.key, state.claim.attempt)) is not None:
            heard = max(heard, progress[1])
        return "alive" if self._clock() - heard < FRESH else "gone"

    def observed(
        self,
        in_flight: tuple[tuple[str, ...], ...],
        free_slots: int,
        held: frozenset[str],
        holders: Mapping[tuple[str, int], Holder],
        queued: frozenset[str] = frozenset(),
    ) -> Observed:
        """``holders`` by key and attempt; open claims that it leaves out are unknown."""
        return Observed(
            committed=frozenset(self.committed),
            attempts={
                key: tuple(_attempt(state, holders) for state in states)
                for key, states in self.attempts.items()
                if key not in self.committed
            },
            in_flight=in_flight,
            queued=queued,
            free_slots=free_slots,
            held=held,
        )


def _attempt(state: AttemptState, holders: Mapping[tuple[str, int], Holder]) -> Attempt:
    number = state.claim.attempt
    if state.outcome is None:
        return Attempt(number, None, holders.get((state.claim.key, number), "unknown"))
    return Attempt(number, state.outcome.outcome, message=state.outcome.message)
