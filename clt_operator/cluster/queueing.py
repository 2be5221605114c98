"""Why Kueue holds a Job, from its Workload and the queues. Pure.

Texts follow what Kueue writes (0.19): conditions QuotaReserved and Admitted of the Workload, Active
of the queues, stop policies, checks.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
NEVER = "maximum capacity"  # in Kueue's words for a request beyond all quota

_POD_SETS = re.compile(r"couldn't assign flavors to pod set [^:]*: ")
_OVER = re.compile(r"previously considered podsets requests \([^)]*\) \+ current podset request ")

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Why:
    """One reason, without its subject, and what to do: "wait for quota …"."""

    what: str
    next: str = ""


@dataclass(frozen=True)
class Queues:
    """Kueue as far as it can be seen. None: not readable; ``served`` false: not installed."""

    served: bool = True
    local: Mapping[str, Object] | None = field(default_factory=dict)  # of the Jobs' namespace
    cluster: Mapping[str, Object] | None = field(default_factory=dict)


def held(job: Object, workload: Object | None, queues: Queues) -> Why:
    """Why a suspended Job does not start."""
    labels = job["metadata"].get("labels") or {}
    name = labels.get(QUEUE_LABEL, "")
    if not name:
        return Why(
            "are suspended by hand, without a queue",
            'kubectl patch job NAME --type merge -p \'{"spec":{"suspend":false}}\'',
        )
    if not queues.served:
        return Why(
            f"wait for queue {name}, and this cluster has no Kueue",
            "install Kueue, or leave out spec.compute.queue",
        )
    return queue_fault(name, queues) or _workload(name, workload, queues)


def queue_fault(name: str, queues: Queues) -> Why | None:
    """What is wrong with the queue itself, or with the one above it."""
    if queues.local is None:
        return None
    queue = queues.local.get(name)
    if queue is None:
        known = ", ".join(sorted(queues.local)) or "none"
        return Why(
            f"wait for queue {name}, which is not in this namespace (it has: {known})",
            "name another queue in spec.compute.queue, or ask for a LocalQueue of that name",
        )
    cluster = str(queue.get("spec", {}).get("clusterQueue") or "")
    above = None if queues.cluster is None else queues.cluster.get(cluster)
    if above is None and queues.cluster is not None:
        return Why(
            f"wait for queue {name}, whose ClusterQueue {cluster} does not exist",
            "ask the platform team for it",
        )
    own = _inactive(f"queue {name}", queue)
    top = _inactive(f"ClusterQueue {cluster}", above or {})
    return own if own and _stopped(queue) else top or own


def _inactive(what: str, queue: Object) -> Why | None:
    if policy := _stopped(queue):
        return Why(
            f"wait for {what}, which is stopped ({policy})",
            "ask whoever stopped it; it goes on when its stopPolicy is None",
        )
    active = _condition(queue, "Active")
    if active and active.get("status") == "False":
        message = str(active.get("message") or "").rstrip(".")
        return Why(f"wait for {what}, which is not active: {message}", "ask the platform team")
    return None


def _workload(name: str, workload: Object | None, queues: Queues) -> Why:
    if workload is None:
        return Why(
            f"wait for Kueue to take note of them (queue {name})",
            "if that lasts: is Kueue running, and does it manage this namespace?",
        )
    if workload.get("spec", {}).get("active") is False:
        evicted = _condition(workload, "Evicted") or {}
        why = f" ({evicted['message'].rstrip('.')})" if evicted.get("message") else ""
        return Why(
            f"were deactivated in queue {name}{why}",
            f"kubectl patch workload {workload['metadata']['name']} --type merge "
            '-p \'{"spec":{"active":true}}\'',
        )
    place = _place(name, queues)
    reserved = _condition(workload, "QuotaReserved")
    if not reserved or reserved.get("status") != "True":
        return _unreserved(place, reserved or {})
    admitted = _condition(workload, "Admitted") or {}
    if admitted.get("status") == "True":
        return Why(f"were admitted by {place} a moment ago")
    waiting = [
        f"{check.get('name')} ({check.get('message') or check.get('state')})".replace("()", "")
        for check in workload.get("status", {}).get("admissionChecks") or ()
        if check.get("state") != "Ready"
    ]
    return Why(
        f"have quota in {place}, not yet its checks: {', '.join(waiting) or 'unnamed'}",
        "a check may be making nodes: that takes minutes",
    )


def _unreserved(place: str, condition: Object) -> Why:
    reason = str(condition.get("reason") or "")
    message = _plain(str(condition.get("message") or ""))
    if reason == "ExceedsMaxQuota" or NEVER in message:
        return Why(
            f"ask {place} for more than it can ever give: {message}",
            "lower spec.compute, or ask for more quota; without either they wait for ever",
        )
    if reason == "NoMatchingFlavor":
        return Why(
            f"fit no flavor of {place}: {message}",
            "spec.compute names a pool that the queue has no flavor for",
        )
    if reason in ("Misconfigured", "Suspended"):
        return Why(f"are not admitted by {place}: {message}", "ask the platform team")
    if not message or reason == "PendingEvaluation":
        tail = f": {message}" if message else ""
        return Why(f"wait for their turn in {place}{tail}")
    return Why(
        f"wait for quota in {place}: {message}",
        "they start when others end, or when the queue gets more quota",
    )


def _place(name: str, queues: Queues) -> str:
    queue = (queues.local or {}).get(name) or {}
    cluster = queue.get("spec", {}).get("clusterQueue")
    return f"ClusterQueue {cluster}" if cluster else f"queue {name}"


def _plain(message: str) -> str:
    """Kueue's message without the words that say nothing to whoever waits."""
    return _OVER.sub("asked for ", _POD_SETS.sub("", message)).strip().rstrip(".")


def _stopped(queue: Object) -> str:
    policy = str(queue.get("spec", {}).get("stopPolicy") or "None")
    return "" if policy == "None" else policy


def _condition(item: Object, kind: str) -> dict[str, Any] | None:
    found: Sequence[dict[str, Any]] = item.get("status", {}).get("conditions") or ()
    return next((c for c in found if c.get("type") == kind), None)
