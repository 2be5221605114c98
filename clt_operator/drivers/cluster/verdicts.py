"""What a Job and its pods say of an attempt whose runner said nothing (promise 4). Pure.

A disruption (eviction, preemption, a node that went, a Job deleted or edited by hand) is
``lost``: free. Memory, exit codes and deadlines are the step's own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clt_operator.api.step import OutcomeKind
from clt_operator.reconcile import outcome_of_exit
from clt_operator.render.job import QUEUE_LABEL
from clt_operator.render.pod import RANK_LABEL

CONTAINER = "steps"
LOST_REASONS = frozenset(
    {
        "Evicted",
        "NodeLost",
        "NodeShutdown",
        "Terminated",  # a node that shut down gracefully
        "Preempting",
        "Shutdown",
        "NodeAffinity",
        "UnexpectedAdmissionError",
        "OutOfcpu",
        "OutOfmemory",
        "OutOfpods",
    }
)
IMAGE_REASONS = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"}
)
CONFIG_REASONS = frozenset({"CreateContainerConfigError", "CreateContainerError"})

Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    outcome: OutcomeKind
    message: str
    exit_code: int | None = None


@dataclass(frozen=True, slots=True)
class Stuck:
    """A pod that waits for something that no time will bring."""

    reason: str  # ImagePull or MissingConfiguration
    message: str


def finished(job: Manifest) -> str:
    """``Complete``, ``Failed``, or empty while the Job goes on."""
    for condition in job.get("status", {}).get("conditions") or ():
        if condition.get("type") in ("Complete", "Failed") and condition.get("status") == "True":
            return str(condition["type"])
    return ""


def past_deadline(job: Manifest) -> bool:
    """Whether a Job failed because it took longer than it may."""
    return any(
        condition.get("type") == "Failed" and condition.get("reason") == "DeadlineExceeded"
        for condition in job.get("status", {}).get("conditions") or ()
    )


def of_job(job: Manifest, pods: Sequence[Manifest]) -> Verdict:
    """The outcome of an attempt of a finished Job that no runner recorded."""
    if past_deadline(job):
        seconds = job.get("spec", {}).get("activeDeadlineSeconds", "?")
        return Verdict("failed", f"took longer than its deadline of {seconds} s")
    if not pods:
        return Verdict("lost", "its Job ended without a pod that could tell how")
    verdicts = [of_pod(pod) for pod in sorted(pods, key=_created)]
    told = [verdict for verdict in verdicts if verdict is not None]
    if not told:
        return Verdict("lost", "its Job ended although its pod had not")
    if int(job.get("spec", {}).get("completions") or 1) > 1:
        return of_world(told)
    worst = [verdict for verdict in told if verdict.outcome not in ("lost", "saved")]
    return (worst or told)[-1]


def of_world(told: Sequence[Verdict]) -> Verdict:
    """The outcome of pods that worked together, from how each of them ended.

    A pod that loses another ends with a fault that may pass: where one was taken away from
    outside, that is why, and it is free.
    """
    for outcome in ("input-at-fault", "out-of-memory", "failed"):
        for verdict in told:
            if verdict.outcome == outcome:
                return verdict
    lost = [verdict for verdict in told if verdict.outcome == "lost"]
    faults = [verdict for verdict in told if verdict.outcome == "transient"]
    return (lost or faults or list(told))[-1]


def is_of_world(pod: Manifest) -> bool:
    """Whether a pod works together with others of its Job."""
    return RANK_LABEL in (pod["metadata"].get("labels") or ())


def of_pod(pod: Manifest) -> Verdict | None:
    """How a pod ended; None where it has not."""
    status = pod.get("status", {})
    ended = _terminated(pod)
    if ended is None and status.get("phase") not in ("Failed", "Succeeded"):
        return None
    disruption = disrupted(pod)
    code = ended.get("exitCode") if ended else None
    if ended and ended.get("reason") == "OOMKilled":
        limit = "its memory limit"
        return Verdict("out-of-memory", f"killed for using more than {limit} (OOMKilled)", code)
    if disruption:
        saved = code is not None and outcome_of_exit(int(code)) == "saved"
        return Verdict("saved" if saved else "lost", disruption, code)
    if code is None:
        reason = status.get("reason") or "no container status"
        detail = status.get("message") or ""
        return Verdict("lost", f"its pod failed: {reason} {detail}".strip())
    code = int(code)
    if code == 0:
        return Verdict("failed", "exit code 0 without a manifest", 0)
    said = (ended or {}).get("message") or ""
    return Verdict(outcome_of_exit(code), f"exit code {code} {said[:300]}".strip(), code)


def spoiled(job: Manifest) -> bool:
    """Whether somebody edited a Job so that it cannot go on: it runs fewer pods than it needs,
    or is suspended and no queue will resume it."""
    spec, meta = job.get("spec", {}), job["metadata"]
    if spec.get("parallelism", 1) < spec.get("completions", 1):
        return True
    edited = int(meta.get("generation") or 1) > 1
    return bool(spec.get("suspend")) and edited and QUEUE_LABEL not in (meta.get("labels") or ())


def disrupted(pod: Manifest) -> str:
    """Why a pod was taken away from outside; empty where it was not."""
    status = pod.get("status", {})
    for condition in status.get("conditions") or ():
        if condition.get("type") == "DisruptionTarget" and condition.get("status") == "True":
            detail = condition.get("message") or ""
            return f"disrupted: {condition.get('reason', '')} {detail}".strip()
    if status.get("reason") in LOST_REASONS:
        return f"disrupted: {status['reason']} {status.get('message') or ''}".strip()
    return ""


def stuck(pod: Manifest) -> Stuck | None:
    """Whether a pod waits for an image or for configuration that is not there."""
    status = pod.get("status", {})
    for container in status.get("containerStatuses") or ():
        waiting = (container.get("state") or {}).get("waiting") or {}
        reason, message = waiting.get("reason") or "", waiting.get("message") or ""
        if reason in IMAGE_REASONS:
            return Stuck("ImagePull", f"{reason}: {message}".rstrip(": "))
        if reason in CONFIG_REASONS:
            return Stuck("MissingConfiguration", f"{reason}: {message}".rstrip(": "))
    return None


def at_work(job: Manifest, pods: Sequence[Manifest]) -> bool:
    """Whether a pod of a Job runs, or has run and no other waits in its place."""
    if job.get("spec", {}).get("suspend"):
        return False
    status = job.get("status", {})
    if status.get("ready") or status.get("succeeded"):
        return True
    going = [pod for pod in pods if alive(pod)]
    return any(_ran(pod) for pod in going or pods)


def _ran(pod: Manifest) -> bool:
    return bool(began(pod)) or pod.get("status", {}).get("phase") in ("Running", "Succeeded")


def began(pod: Manifest) -> str:
    """When the container of a pod began to run (RFC 3339); empty where it never did."""
    for container in pod.get("status", {}).get("containerStatuses") or ():
        for name in ("state", "lastState"):
            for state in ("running", "terminated"):
                if found := ((container.get(name) or {}).get(state) or {}).get("startedAt"):
                    return str(found)
    running = pod.get("status", {}).get("phase") == "Running"
    return str(pod["status"].get("startTime") or "") if running else ""


def failed(pod: Manifest) -> bool:
    return bool(pod.get("status", {}).get("phase") == "Failed")


def alive(pod: Manifest) -> bool:
    """Whether a pod may still do something."""
    if pod.get("status", {}).get("phase") in ("Failed", "Succeeded"):
        return False
    return _terminated(pod) is None


def _terminated(pod: Manifest) -> Manifest | None:
    for container in pod.get("status", {}).get("containerStatuses") or ():
        ended = (container.get("state") or {}).get("terminated")
        if ended and container.get("name", CONTAINER) == CONTAINER:
            return ended  # type: ignore[no-any-return]
    return None


def _created(pod: Manifest) -> str:
    return str(pod.get("metadata", {}).get("creationTimestamp") or "")
