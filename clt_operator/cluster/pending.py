"""Why is it pending? One answer from Jobs, pods, queues, events and nodes. Pure.

Every waiting Job gets the first reason that holds, in the order in which a Job comes to run:
its queue, its pods' creation, their scheduling, their start. Jobs with the same reason are told
together, each reason with what to do about it.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from clt_operator.cluster.queueing import Object, Queues, Why, held

IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
CONFIG = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
STARTING = frozenset({"ContainerCreating", "PodInitializing", ""})
LONGEST = 400  # characters of a message that are shown

_NUMBER = re.compile(r"\d+(\.\d+)?[kKMGT]?i?\b")
_MISSING = re.compile(r'(secret|configmap|serviceaccount) "([^"]+)" not found')


@dataclass(frozen=True)
class Scene:
    """What was read of the cluster. ``nodes`` None: not readable."""

    jobs: Sequence[Object]  # of the experiment, those that have not ended
    pods: Mapping[str, Sequence[Object]] = field(default_factory=dict)  # by uid of their Job
    workloads: Mapping[str, Object] = field(default_factory=dict)  # by uid of their Job
    events: Mapping[str, Sequence[Object]] = field(default_factory=dict)  # warnings, by uid
    queues: Queues = field(default_factory=Queues)
    nodes: Sequence[Object] | None = None


@dataclass(frozen=True, slots=True)
class Cause:
    """Why some Jobs wait, and the next step."""

    count: int
    text: str
    next: str
    job: str  # the oldest of them


def why_pending(scene: Scene) -> list[Cause]:
    """The causes, those of most Jobs first; Jobs whose pod runs are left out."""
    found: dict[str, Why] = {}
    oldest: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for job in sorted(scene.jobs, key=_created):
        why = _why(job, scene)
        if why is not None:
            group = _NUMBER.sub("#", why.what)
            found.setdefault(group, why)
            oldest.setdefault(group, job["metadata"]["name"])
            counts[group] += 1
    return [
        Cause(count, f"{_jobs(count)} {_agree(found[group].what, count)}", found[group].next, name)
        for group, count in counts.most_common()
        if (name := oldest[group])
    ]


def _why(job: Object, scene: Scene) -> Why | None:
    uid, status = job["metadata"]["uid"], job.get("status") or {}
    if job["metadata"].get("deletionTimestamp"):
        return Why("are being stopped: their pods save and end")
    if job.get("spec", {}).get("suspend"):
        return held(job, scene.workloads.get(uid), scene.queues)
    pods = [pod for pod in scene.pods.get(uid, ()) if not _over(pod)]
    if any(_phase(pod) == "Running" for pod in pods) or (not scene.pods and status.get("ready")):
        return None
    if not pods:
        return _uncreated(scene.events.get(uid, ()))
    return _of_pod(max(pods, key=_created), scene)


def _uncreated(events: Sequence[Object]) -> Why:
    """A Job whose pods are not made."""
    refused = [e for e in events if e.get("reason") == "FailedCreate"]
    if not refused:
        return Why("wait for their pods to be made", "if that lasts: kubectl describe job NAME")
    note = _short(str(max(refused, key=_when).get("note") or refused[-1].get("message") or ""))
    note = re.sub(r'^Error creating: (pods "[^"]*" is forbidden: )?', "", note)
    if "exceeded quota" in note:
        return Why(
            f"have no room in the namespace's ResourceQuota: {note}",
            "they start when others end; or ask for a larger quota, or lower spec.compute",
        )
    if "PodSecurity" in note or "violates" in note:
        return Why(f"are refused by the namespace's policy: {note}", "ask the platform team")
    return Why(f"get no pods: {note}", "kubectl describe job NAME")


def _of_pod(pod: Object, scene: Scene) -> Why:
    for container in pod.get("status", {}).get("containerStatuses") or ():
        waiting = (container.get("state") or {}).get("waiting") or {}
        reason, message = str(waiting.get("reason") or ""), str(waiting.get("message") or "")
        if reason in IMAGE:
            image = container.get("image") or "of the step"
            return Why(
                f"cannot get their image {image}: {_short(message) or reason}",
                "check the name and the registry's credentials (spec.compute.*.image, or the "
                "installation's image)",
            )
        if reason in CONFIG:
            return _misconfigured(reason, message)
        if reason not in STARTING:
            return Why(f"do not start: {reason} {_short(message)}".rstrip())
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("status") == "False":
        return _unscheduled(pod, scheduled, scene.nodes)
    node = pod.get("spec", {}).get("nodeName")
    if node:
        return Why(f"are starting on {node}", "a first start on a node pulls the image")
    return Why("wait to be scheduled", "if that lasts: is the scheduler running?")


def _misconfigured(reason: str, message: str) -> Why:
    missing = _MISSING.search(message)
    if missing:
        kind, name = missing.groups()
        return Why(
            f"need {kind} {name}, which is not in this namespace",
            f"make it (the profile of the store or the hub names it): kubectl get {kind} {name}",
        )
    return Why(f"cannot start: {reason}: {_short(message)}", "kubectl describe pod NAME")


def _unscheduled(pod: Object, condition: Object, nodes: Sequence[Object] | None) -> Why:
    if condition.get("reason") == "SchedulingGated":
        gates = ", ".join(g["name"] for g in pod.get("spec", {}).get("schedulingGates") or ())
        return Why(f"wait for scheduling gates: {gates}", "whoever set the gate removes it")
    selector: Mapping[str, str] = pod.get("spec", {}).get("nodeSelector") or {}
    if nodes is not None and selector and not any(_matches(node, selector) for node in nodes):
        wanted = ", ".join(f"{name}={value}" for name, value in sorted(selector.items()))
        return Why(
            f"need a node with {wanted}, and there is none",
            "an autoscaler may make one; else check spec.compute.*.pool and the pool's profile",
        )
    message = _short(str(condition.get("message") or "unschedulable"))
    message = message.partition(" preemption:")[0].rstrip(".")
    return Why(
        f"find no node: {message}",
        "they start when nodes get free; or lower spec.compute, or name another pool",
    )


def _matches(node: Object, selector: Mapping[str, str]) -> bool:
    labels = node["metadata"].get("labels") or {}
    return all(labels.get(name) == value for name, value in selector.items())


def _over(pod: Object) -> bool:
    return _phase(pod) in ("Succeeded", "Failed")


def _phase(pod: Object) -> str:
    return str((pod.get("status") or {}).get("phase") or "")


def _created(item: Object) -> str:
    return str(item["metadata"].get("creationTimestamp") or "")


def _when(event: Object) -> str:
    series = event.get("series") or {}
    times = (series.get("lastObservedTime"), event.get("eventTime"), event.get("lastTimestamp"))
    return max(str(time or "") for time in times)


def _condition(item: Object, kind: str) -> Mapping[str, Any]:
    found = item.get("status", {}).get("conditions") or ()
    return next((c for c in found if c.get("type") == kind), {})


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= LONGEST else flat[: LONGEST - 1] + "…"


def _jobs(count: int) -> str:
    return "1 Job" if count == 1 else f"{count} Jobs"


_SINGULAR = {
    "are": "is",
    "were": "was",
    "have": "has",
    "do": "does",
    "cannot": "cannot",
}


def _agree(what: str, count: int) -> str:
    """The verb that a reason begins with, for one Job."""
    if count != 1:
        return what
    verb, space, rest = what.partition(" ")
    rest = re.sub(r"\btheir\b", "its", rest)
    rest = re.sub(r"\bof them\b", "of it", rest)
    return f"{_SINGULAR.get(verb, f'{verb}s')}{space}{rest}"
