"""Steps become a Job (and, on several nodes, the Service by which its pods meet).

A Job never retries by itself (``backoffLimit: 0``): retries belong to reconcile. On one pod a
disruption is ignored, so that the Job makes a new pod; a Job of several pods fails whole. The
manifest is small whatever the steps are: documents stay in the store. It sets no time to live:
who reads how a Job ended deletes it, not a clock.
"""

from collections.abc import Iterator, Sequence

from clt_operator.api.errors import SpecError
from clt_operator.api.profiles.settings import gang_problem
from clt_operator.api.spec.compute import ComputeSpec, ResourcesSpec
from clt_operator.api.step import Graph, Step
from clt_operator.render.labels import (
    EXPERIMENT_LABEL,
    annotations,
    job_name,
    labels,
    sanitised,
)
from clt_operator.render.pod import RENDEZVOUS_PORT, Manifest, pod_spec
from clt_operator.render.profiles import (
    Owner,
    PoolProfile,
    Settings,
    resources_of,
    section_of,
)

MAX_KEYS = 256  # of one Job: 17 kB of arguments, in the Job and again in its pod
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"
PRIORITY_LABEL = "kueue.x-k8s.io/priority-class"

# A training that an autoscaler moves loses everything since its last save.
_STAY = {
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
    "karpenter.sh/do-not-disrupt": "true",
}


def render_experiment(graph: Graph, compute: ComputeSpec, settings: Settings) -> Iterator[Manifest]:
    """The manifests of every step as a Job of its own, in topological order."""
    for step in graph:
        yield from render_batch([step], compute, settings)


def render_batch(
    steps: Sequence[Step],
    compute: ComputeSpec,
    settings: Settings,
    owner: Owner | None = None,
) -> tuple[Manifest, ...]:
    """The manifests of one Job for steps of one kind: a Service first where it needs one.

    Raises SpecError for a pool that is not defined or several nodes without a queue, ValueError
    for steps that no Job can carry together.
    """
    _check(steps)
    kind = steps[0].kind
    section = f"spec.compute.{section_of(kind)}"
    resources = resources_of(kind, compute)
    pool = settings.pool(resources.pool, f"{section}.pool")
    queue = compute.queue or pool.queue or settings.queue
    if resources.nodes > 1 and not queue:
        raise SpecError([gang_problem(f"{section}.nodes", resources.nodes)])
    job = render_job(steps, resources, pool, settings, queue)
    if owner:
        _give(job, owner)
    if resources.nodes == 1:
        return (job,)
    return render_service(steps, settings), job


def render_job(
    steps: Sequence[Step],
    resources: ResourcesSpec,
    pool: PoolProfile,
    settings: Settings,
    queue: str = "",
) -> Manifest:
    """The Job that carries the steps, in this order."""
    name, kind = job_name(steps), steps[0].kind
    metadata = _metadata(name, steps, settings)
    spec: Manifest = {
        "completions": resources.nodes,
        "parallelism": resources.nodes,
        "backoffLimit": 0,
        "podReplacementPolicy": "Failed",
    }
    if resources.nodes > 1:
        spec["completionMode"] = "Indexed"
    else:
        disrupted = {"type": "DisruptionTarget", "status": "True"}
        spec["podFailurePolicy"] = {"rules": [{"action": "Ignore", "onPodConditions": [disrupted]}]}
    if resources.deadline_seconds:
        spec["activeDeadlineSeconds"] = resources.deadline_seconds
    if queue:
        metadata["labels"][QUEUE_LABEL] = queue
        if (priority := settings.priorities.get(kind)) and priority.workload:
            metadata["labels"][PRIORITY_LABEL] = priority.workload
        spec["suspend"] = True
    notes = {
        **settings.annotations,
        **annotations(steps),
        **(_STAY if kind == "train" else {}),
    }
    spec["template"] = {
        "metadata": {"labels": {**settings.labels, **labels(steps)}, "annotations": notes},
        "spec": pod_spec(name, steps, resources, pool, settings),
    }
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def render_service(steps: Sequence[Step], settings: Settings) -> Manifest:
    """The headless Service that names the pods of a Job before they are ready."""
    name = job_name(steps)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": _metadata(name, steps, settings),
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": {"batch.kubernetes.io/job-name": name},
            "ports": [{"name": "rendezvous", "port": RENDEZVOUS_PORT}],
        },
    }


def _metadata(name: str, steps: Sequence[Step], settings: Settings) -> Manifest:
    return {
        "name": name,
        "namespace": settings.namespace,
        "labels": {**settings.labels, **labels(steps)},
        "annotations": {**settings.annotations, **annotations(steps)},
    }


def _give(job: Manifest, owner: Owner) -> None:
    """The first owner; others join by the same label and a reference of their own. The Job and
    its pods bear its name for as long as they are there, for who reads their metrics."""
    maker = {EXPERIMENT_LABEL: sanitised(owner.name)}
    job["metadata"]["labels"] |= {owner.label: "true", **maker}
    job["spec"]["template"]["metadata"]["labels"] |= maker
    if owner.uid:
        job["metadata"]["ownerReferences"] = [owner.reference()]


def _check(steps: Sequence[Step]) -> None:
    if not steps:
        raise ValueError("a Job needs at least one step")
    if len(steps) > MAX_KEYS:
        raise ValueError(f"a Job carries at most {MAX_KEYS} steps, not {len(steps)}: batch them")
    if kinds := {step.kind for step in steps[1:]} - {steps[0].kind}:
        raise ValueError(f"a Job carries steps of one kind, not {steps[0].kind} and {kinds}")
    if len({step.key for step in steps}) < len(steps):
        raise ValueError("a Job carries a step once")
