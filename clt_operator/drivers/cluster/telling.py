"""What is told of a study under way: its phase, its conditions, the time left."""

from clt_operator.drivers.cluster.driven import Driven
from clt_operator.drivers.cluster.jobs import Seen
from clt_operator.drivers.cluster.status import Fact, Facts, Type
from clt_operator.reconcile import Decision
from clt_operator.reconcile.index import KIND_WEIGHTS


def facts(driven: Driven, seen: Seen, decision: Decision, *, handled: str) -> Facts:
    """Everything that the status says. ``handled``: the requests that this look has answered."""
    accepted = driven.accepted
    index = driven.partial or driven.index
    phase, conditions = _conditions(driven, seen, decision)
    counts = accepted.plan.counts
    return Facts(
        phase=phase,
        conditions=conditions,
        counts={name: counts[name] for name in ("runs", "trainings", "cells", "steps")},
        decision=decision,
        left=_left(driven, seen, decision) if phase == "Running" else None,
        store=accepted.settings.store_name,
        store_uri=accepted.settings.store.uri,
        lock=accepted.digest,
        report=index.graph.targets[0] if decision.finished == "complete" else "",
        gpu_hours=driven.spending.gpu_hours(),
        cost=driven.spending.cost(),
        handled=handled,
    )


def _conditions(driven: Driven, seen: Seen, decision: Decision) -> tuple[str, dict[Type, Fact]]:
    spec, counts = driven.accepted.experiment.spec, driven.accepted.plan.counts
    conditions: dict[Type, Fact] = {
        "Accepted": Fact("True", "Planned", f"{counts['steps']} steps of {counts['runs']} runs"),
        "Complete": Fact("False", "StepsMissing"),
        "Failed": _failure(decision),
        "Suspended": Fact("False", "NotSuspended"),
        "Degraded": _degradation(driven, seen),
    }
    if decision.finished == "complete":
        reason = "PartialReport" if driven.partial is not None else "ReportCommitted"
        target = (driven.partial or driven.index).graph.targets[0]
        conditions["Complete"] = Fact("True", reason, f"report {target[:16]}")
        conditions["Progressing"] = Fact("False", "Complete")
        return "Complete", conditions
    if spec.cancel:
        conditions["Failed"] = Fact("True", "Cancelled", "cancelled by spec.cancel")
        conditions["Progressing"] = Fact("False", "Cancelled")
        return "Cancelled", conditions
    if decision.finished == "failed":
        conditions["Failed"] = Fact("True", "StepsFailed", conditions["Failed"].message)
        conditions["Progressing"] = Fact("False", "StepsFailed")
        return "Failed", conditions
    if driven.spending.exhausted():
        conditions["Failed"] = Fact("True", "BudgetExceeded", driven.spending.sentence())
        conditions["Progressing"] = Fact("False", "BudgetExceeded")
        return "Failed", conditions
    if spec.suspend:
        conditions["Suspended"] = Fact("True", "SuspendedBySpec", "spec.suspend is true")
        conditions["Progressing"] = Fact("False", "Suspended")
        return "Suspended", conditions
    conditions["Progressing"] = _progress(driven, seen)
    return "Running", conditions


def _failure(decision: Decision) -> Fact:
    """What failed so far: a study goes on with what does not depend on it."""
    failed = decision.status.total("failed")
    if not failed:
        return Fact("False", "NoneFailed")
    first = next(iter(decision.status.failures), None)
    why = f"; first: {first.kind} {first.name}: {first.message}" if first else ""
    return Fact("False", "StepsFailed", f"{failed} steps failed{why}")


def _progress(driven: Driven, seen: Seen) -> Fact:
    jobs = len(seen.in_flight)
    if driven.refusal is not None:
        return Fact("False", "JobRefused", driven.refusal.message)
    if jobs and seen.suspended == jobs:
        said = "every Job waits for its queue: cltctl describe tells for what"
        return Fact("False", "WaitingForQuota", said)
    if jobs and seen.stuck and len(seen.stuck) + seen.suspended == jobs:
        return Fact("False", seen.stuck[0][1].reason, seen.stuck[0][1].message)
    return Fact("True", "StepsRunning")


def _degradation(driven: Driven, seen: Seen) -> Fact:
    if seen.stuck:
        _, stuck = seen.stuck[0]
        more = f" (and {len(seen.stuck) - 1} Jobs more)" if len(seen.stuck) > 1 else ""
        return Fact("True", stuck.reason, f"{stuck.message}{more}")
    if driven.refusal is not None:
        return Fact("True", "JobRefused", driven.refusal.message)
    return Fact("False", "AsExpected")


def _left(driven: Driven, seen: Seen, decision: Decision) -> float | None:
    """Seconds until all is done at the present width; None before the first step ended.

    A kind of which none has ended yet takes as long as its weight says, against those that have.
    """
    mean = driven.view.mean_seconds
    known = {kind: seconds for kind in decision.status.counts if (seconds := mean(kind))}
    if not known:
        return None
    unit = sum(known.values()) / sum(KIND_WEIGHTS.get(kind, 1) for kind in known)
    total = 0.0
    for kind, row in decision.status.counts.items():
        waiting = sum(row.get(phase, 0) for phase in ("pending", "ready", "queued", "running"))
        total += waiting * known.get(kind, unit * KIND_WEIGHTS.get(kind, 1))
    return total / max(1, len(seen.in_flight) - len(seen.queued))
