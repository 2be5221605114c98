"""The phase of every step: a pure function of the index, what was observed and the policy.

Walks back from the targets and stops at what is committed, so that an artifact that only
committed steps read need not exist; then forward, once, in topological order.
"""

from dataclasses import dataclass

from clt_operator.reconcile.decision import Phase
from clt_operator.reconcile.index import Index
from clt_operator.reconcile.observed import Attempt, Observed
from clt_operator.reconcile.policy import Policy
from clt_operator.reconcile.retries import judge

STUCK: frozenset[Phase] = frozenset({"failed", "blocked"})


@dataclass(frozen=True)
class Phases:
    """``of`` by position; ``reasons`` says of failed and blocked positions why."""

    of: list[Phase]
    reasons: dict[int, str]


def phases(index: Index, observed: Observed, policy: Policy) -> Phases:
    keys, committed = index.keys, observed.committed
    of: list[Phase] = ["done" if key in committed else "unneeded" for key in keys]
    reasons: dict[int, str] = {}
    in_flight = {key for job in observed.in_flight for key in job}
    for at in _needed(index, of):
        attempts = observed.attempts.get(keys[at], ())
        if keys[at] in in_flight or _held_by_another(attempts):
            of[at] = "queued" if keys[at] in observed.queued else "running"
            continue
        verdict = judge(attempts, policy, policy.forgiven.get(keys[at], 0))
        if verdict.exhausted:
            of[at], reasons[at] = "failed", verdict.message
            continue
        of[at] = _waiting(index, at, of, observed)
        if of[at] == "blocked":
            reasons[at] = _why_blocked(index, at, of, observed)
    return Phases(of, reasons)


def _needed(index: Index, of: list[Phase]) -> list[int]:
    """Positions of uncommitted steps that an uncommitted target depends on, in order."""
    stack = [at for at in index.targets if of[at] != "done"]
    seen = set(stack)
    while stack:
        for source in index.inputs[stack.pop()]:
            if source not in seen and of[source] != "done":
                seen.add(source)
                stack.append(source)
    return sorted(seen)


def _held_by_another(attempts: tuple[Attempt, ...]) -> bool:
    return any(a.outcome is None and a.holder != "gone" for a in attempts)


def _waiting(index: Index, at: int, of: list[Phase], observed: Observed) -> Phase:
    phase: Phase = "ready"
    for source in index.inputs[at]:
        if of[source] in STUCK:
            return "blocked"
        if of[source] != "done":
            phase = "pending"
    if any(key not in observed.committed for key in index.external[at]):
        return "blocked"
    return phase


def _why_blocked(index: Index, at: int, of: list[Phase], observed: Observed) -> str:
    for source in index.inputs[at]:
        if of[source] in STUCK:
            return f"{index.steps[source].kind} {index.keys[source][:12]} is {of[source]}"
    missing = [key for key in index.external[at] if key not in observed.committed]
    return f"input {missing[0][:12]} is not in the store and no step of this graph makes it"
