"""Steps become a Job (and, on several nodes, the Service by which its pods meet).

A Job never retries by itself (``backoffLimit: 0``): retries belong to reconcile. On one pod a
disruption is ignored, so that the Job makes a new pod; a Job of several pods fails whole. The
manifest is small whatever the steps are: documents stay in the store.
"""

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from clt_operator.api.errors import Problem, SpecError
from clt_operator.api.spec.compute import ComputeSpec, ResourcesSpec
from clt_operator.api.step import Graph, Step
from clt_operator.render.labels import annotations, job_name, labels
from clt_operator.render.pod import RENDEZVOUS_PORT, Manifest, pod_spec
from clt_operator.render.profiles import PoolProfile, Settings, resources_of, section_of

MAX_KEYS = 64  # of one Job
QUEUE_LABEL = "kueue.x-k8s.io/queue-name"

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
    steps: Sequence[Step], compute: ComputeSpec, settings: Settings
) -> tuple[Manifest, ...]:
    """The manifests of one Job for steps of one kind: a Service first where it needs one.

    Raises SpecError for a pool that is not defined or a store that pods cannot reach,
    ValueError for steps that no Job can carry together.
    """
    kind = steps[0].kind if steps else ""
    resources = resources_of(kind, compute)
    pool = settings.pool(resources.pool, f"spec.compute.{section_of(kind)}.pool")
    job = render_job(steps, resources, pool, settings, compute.queue or settings.queue)
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
    _check(steps, settings)
    name = job_name(steps)
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
        spec["suspend"] = True
    notes = annotations(steps) | (_STAY if steps[0].kind == "train" else {})
    spec["template"] = {
        "metadata": {"labels": labels(steps), "annotations": notes},
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
        "labels": labels(steps),
        "annotations": annotations(steps),
    }


def _check(steps: Sequence[Step], settings: Settings) -> None:
    if not steps:
        raise ValueError("a Job needs at least one step")
    if len(steps) > MAX_KEYS:
        raise ValueError(f"a Job carries at most {MAX_KEYS} steps, not {len(steps)}: batch them")
    if kinds := {step.kind for step in steps[1:]} - {steps[0].kind}:
        raise ValueError(f"a Job carries steps of one kind, not {steps[0].kind} and {kinds}")
    if len({step.key for step in steps}) < len(steps):
        raise ValueError("a Job carries a step once")
    if urlsplit(settings.store.uri).scheme != "s3":
        raise SpecError(
            [
                Problem(
                    "spec.store",
                    f"pods cannot reach '{settings.store.uri}', a directory of one machine",
                    "name a store s3://bucket/prefix with --store or in spec.store",
                )
            ]
        )
