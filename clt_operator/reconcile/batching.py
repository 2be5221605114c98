"""Ready steps become Jobs: steps that share a kind and a main input share a process.

A group is cut so that the free slots are filled evenly, no Job exceeds its kind's limit and
none is smaller than its kind is worth while there is enough to do; the most urgent Jobs take
the slots. Ties follow the topological order.
"""

from collections.abc import Sequence

from clt_operator.reconcile.decision import Launch
from clt_operator.reconcile.index import Index
from clt_operator.reconcile.policy import Policy


def launches(index: Index, ready: Sequence[int], slots: int, policy: Policy) -> list[Launch]:
    """At most ``slots`` Jobs for these positions."""
    if slots <= 0 or not ready:
        return []

    def rank(at: int) -> tuple[int, int]:
        return (-index.urgency[at], at)

    groups: dict[tuple[str, ...], list[int]] = {}
    for at in sorted(ready, key=rank):
        groups.setdefault(_shared(index, at, policy), []).append(at)
    jobs: list[list[int]] = []
    for (kind, *_), members in groups.items():
        even = -(-len(members) // slots)
        size = min(max(even, policy.fill.get(kind, 1)), policy.max_batch.get(kind, 1))
        jobs.extend(members[at : at + size] for at in range(0, len(members), size))
    jobs.sort(key=lambda job: rank(job[0]))
    return [Launch(tuple(index.keys[at] for at in job)) for job in jobs[:slots]]


def _shared(index: Index, at: int, policy: Policy) -> tuple[str, ...]:
    step = index.steps[at]
    return (step.kind, *(repr(step.hints.get(name)) for name in policy.shared_hints))
