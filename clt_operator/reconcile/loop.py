"""reconcile: what to do next, from the graph and what was observed. No I/O, no clock.

Level-style: it looks at the whole state each time, so that a driver may die and start again
anywhere. The same function serves the local driver, the foreground driver and the operator.
"""

from collections.abc import Mapping

from clt_operator.api.step import Graph
from clt_operator.reconcile.batching import launches
from clt_operator.reconcile.decision import (
    MOST_FAILURES,
    Action,
    Decision,
    Failure,
    Finished,
    Phase,
    RecordLost,
    Status,
)
from clt_operator.reconcile.index import Index
from clt_operator.reconcile.observed import Observed
from clt_operator.reconcile.phases import Phases, phases
from clt_operator.reconcile.policy import Policy


def reconcile(
    graph: Graph, observed: Observed, policy: Policy, index: Index | None = None
) -> Decision:
    """The next actions and the status.

    ``index`` saves work where the same graph is reconciled again and again; it must be that
    of ``graph``.
    """
    index = index or Index.of(graph)
    found = phases(index, observed, policy)
    ready = [
        at
        for at, phase in enumerate(found.of)
        if phase == "ready" and index.keys[at] not in observed.held
    ]
    slots = min(observed.free_slots, policy.parallelism - len(observed.in_flight))
    actions: list[Action] = [*_lost(observed), *launches(index, ready, slots, policy)]
    stuck = {phase: _keys(index, found, phase) for phase in ("failed", "blocked")}
    return Decision(
        actions=tuple(actions),
        status=Status(
            counts=_counts(index, found),
            failures=_failures(index, found, observed),
            finished=_finished(index, found),
        ),
        failed=stuck["failed"],
        blocked=stuck["blocked"],
    )


def _lost(observed: Observed) -> list[RecordLost]:
    return [
        RecordLost(key, attempt.number)
        for key in sorted(observed.attempts)
        if key not in observed.committed
        for attempt in observed.attempts[key]
        if attempt.outcome is None and attempt.holder == "gone"
    ]


def _keys(index: Index, found: Phases, phase: str) -> tuple[str, ...]:
    return tuple(index.keys[at] for at in sorted(found.reasons) if found.of[at] == phase)


def _finished(index: Index, found: Phases) -> Finished | None:
    """Failed only when nothing can run any more: other branches go on until then."""
    if all(found.of[at] == "done" for at in index.targets):
        return "complete"
    going = any(phase in ("pending", "ready", "queued", "running") for phase in found.of)
    return None if going else "failed"


def _counts(index: Index, found: Phases) -> dict[str, dict[Phase, int]]:
    counts: dict[str, dict[Phase, int]] = {}
    for step, phase in zip(index.steps, found.of, strict=True):
        row = counts.setdefault(step.kind, {})
        row[phase] = row.get(phase, 0) + 1
    return counts


def _failures(index: Index, found: Phases, observed: Observed) -> tuple[Failure, ...]:
    """Failed steps first; a step that lacks an input outside the graph is a cause, too."""
    causes = [
        at
        for at in sorted(found.reasons)
        if found.of[at] == "failed"
        or any(key not in observed.committed for key in index.external[at])
    ]
    return tuple(
        Failure(
            key=index.keys[at],
            kind=index.steps[at].kind,
            name=label_text(index.steps[at].labels),
            attempts=len(observed.attempts.get(index.keys[at], ())),
            message=found.reasons[at],
        )
        for at in causes[:MOST_FAILURES]
    )


def label_text(labels: Mapping[str, str]) -> str:
    """Labels as people read them: the values, in the order in which they were given."""
    return " ".join(value for value in labels.values() if value)
