"""Experiments as a store holds them: the lock says the spec, the spec says the graph."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from clt_operator.api.errors import CltError
from clt_operator.cli.place import DEFAULT_STORE, is_uri

if TYPE_CHECKING:
    from clt_operator.api.lock import Lock
    from clt_operator.api.spec.experiment import ExperimentSpec
    from clt_operator.api.step import Step
    from clt_operator.plan.build import Plan
    from clt_operator.reconcile import Decision, Observed, Phase, Status
    from clt_operator.reconcile.phases import Phases
    from clt_operator.store.artifacts import Artifacts

SHORTEST_PREFIX = 6


class NotFound(CltError):
    """Nothing of that name; the message says what there is."""


def open_artifacts(
    uri: str | None, spec_store: str = "", environment: Mapping[str, str] | None = None
) -> "Artifacts":
    """The artifacts of a store: the given one, the spec's if it is a URI, or the default.
    ``environment`` stands for this process's.

    Raises StoreError where it cannot be opened.
    """
    from clt_operator.store import open_store
    from clt_operator.store.artifacts import Artifacts

    named = spec_store if is_uri(spec_store) else ""
    return Artifacts(open_store((named or DEFAULT_STORE) if uri is None else uri, environment))


@dataclass(frozen=True)
class Stored:
    """One experiment in a store."""

    artifacts: "Artifacts"
    namespace: str
    name: str
    root: dict[str, Any]
    in_flight: tuple[tuple[str, ...], ...] = ()  # keys of its Jobs, where a cluster shows them
    queued: frozenset[str] = frozenset()  # keys in Jobs of which no pod runs

    @cached_property
    def lock(self) -> "Lock":
        lock = self.artifacts.lock(self.namespace, self.name)
        if lock is None:
            raise NotFound(f"experiment {self.name} has no lock: apply its spec again")
        return lock

    @cached_property
    def spec(self) -> "ExperimentSpec":
        from clt_operator.api.spec.experiment import ExperimentSpec

        return ExperimentSpec.model_validate(self.lock.spec)

    @cached_property
    def plan(self) -> "Plan":
        from clt_operator.cli.specs import uncollected
        from clt_operator.plan.build import plan

        with uncollected():
            return plan(self.spec, self.lock)

    @property
    def status(self) -> "Status":
        return self.decision.status

    @cached_property
    def decision(self) -> "Decision":
        """What a driver would decide now; nothing is written."""
        from clt_operator.reconcile import Index, reconcile

        graph = self.plan.graph
        return reconcile(graph, self.observed, self.policy, Index.of(graph))

    @cached_property
    def phases(self) -> "Mapping[str, Phase]":
        """The phase of every step, by key."""
        return dict(zip(self.plan.graph.steps, self._found.of, strict=True))

    @cached_property
    def reasons(self) -> "Mapping[str, str]":
        """Why steps failed or are blocked, by key."""
        keys = tuple(self.plan.graph.steps)
        return {keys[at]: reason for at, reason in self._found.reasons.items()}

    @cached_property
    def _found(self) -> "Phases":
        from clt_operator.reconcile import Index
        from clt_operator.reconcile.phases import phases

        return phases(Index.of(self.plan.graph), self.observed, self.policy)

    @cached_property
    def observed(self) -> "Observed":
        """What a driver would see now."""
        from clt_operator.drivers.view import View

        view = View(self.artifacts, self.plan.graph)
        view.load()
        holders = {
            (key, state.claim.attempt): view.holder_of(state)
            for key, states in view.open_claims().items()
            for state in states
        }
        return view.observed(self.in_flight, 0, frozenset(), holders, self.queued)

    @property
    def policy(self) -> Any:
        from clt_operator.reconcile import Policy

        return Policy(attempts=self.spec.retries.limit, forgiven=self.root.get("forgiven", {}))

    @property
    def report_key(self) -> str:
        """The key of the report: of the partial one, where only that came about."""
        committed: str = self.root.get("report", "")
        return committed or self.plan.graph.targets[0]

    def find(self, prefix: str) -> "Step":
        """The step whose key starts with a prefix.

        Raises NotFound where none or several do.
        """
        if len(prefix) < SHORTEST_PREFIX:
            raise NotFound(f"{prefix!r} is too short: give {SHORTEST_PREFIX} characters of a key")
        found = [step for step in self.plan.graph if step.key.startswith(prefix)]
        if not found:
            raise NotFound(
                f"no step of {self.name} has a key that starts with {prefix!r}: "
                f"cltctl get steps {self.name} lists them"
            )
        if len(found) > 1:
            raise NotFound(
                f"{len(found)} steps of {self.name} have a key that starts with "
                f"{prefix!r}: give more of it"
            )
        return found[0]


def stored(artifacts: "Artifacts", namespace: str, name: str) -> Stored:
    """Raises NotFound where the store has no such experiment, naming those it has."""
    root = artifacts.root(namespace, name)
    if root is None:
        here = [other for space, other in artifacts.roots() if space == namespace]
        known = f"it has {', '.join(here[:8])}" if here else "it has none yet"
        raise NotFound(
            f"no experiment {name!r} in namespace {namespace} of {artifacts.store.uri}: {known}"
        )
    return Stored(artifacts, namespace, name, root)
