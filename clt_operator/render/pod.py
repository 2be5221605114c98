"""The pod of a Job: one restricted container that runs the steps and nothing else.

It holds no service-account token, writes only to its own scratch space, and reaches a hub only
where a step is there to fetch.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from clt_operator.api.spec.compute import ResourcesSpec
from clt_operator.api.step import Step
from clt_operator.api.telemetry import PORT as METRICS_PORT
from clt_operator.render.profiles import CacheProfile, PoolProfile, Settings, Toleration

USER = 65532
SCRATCH = "/scratch"
CACHE = "/cache"
READERS = ("train", "generate", "likelihood")  # of models: what a weight cache is for
RENDEZVOUS_PORT = 29500
RANK_LABEL = "batch.kubernetes.io/job-completion-index"

_PATHS = {
    "scratch": SCRATCH,
    "tmp": "/tmp",  # noqa: S108 - an emptyDir of this pod
    "shm": "/dev/shm",  # noqa: S108
    "cache": CACHE,
}
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")

Manifest = dict[str, Any]


def pod_spec(
    name: str,
    steps: Sequence[Step],
    resources: ResourcesSpec,
    pool: PoolProfile,
    settings: Settings,
) -> Manifest:
    """The pod of the Job ``name``."""
    spec: Manifest = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": resources.grace_seconds,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    if resources.nodes > 1:
        spec["subdomain"] = name
    if pool.node_selector:
        spec["nodeSelector"] = dict(sorted(pool.node_selector.items()))
    if pool.tolerations:
        spec["tolerations"] = [_toleration(toleration) for toleration in pool.tolerations]
    if pool.runtime_class:
        spec["runtimeClassName"] = pool.runtime_class
    if priority := _priority(steps[0].kind, pool, settings):
        spec["priorityClassName"] = priority
    if settings.store.service_account:
        spec["serviceAccountName"] = settings.store.service_account
    if settings.image_pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in settings.image_pull_secrets]
    volumes = _volumes(steps[0].kind, resources, pool)
    spec["containers"] = [_container(name, steps, resources, pool, settings)]
    spec["containers"][0]["volumeMounts"] = [
        {"name": volume["name"], "mountPath": _PATHS[volume["name"]]} for volume in volumes
    ]
    spec["volumes"] = volumes
    return spec


def _priority(kind: str, pool: PoolProfile, settings: Settings) -> str:
    own = settings.priorities.get(kind)
    return own.pod if own and own.pod else pool.priority_class


def _volumes(kind: str, resources: ResourcesSpec, pool: PoolProfile) -> list[Manifest]:
    volumes: list[Manifest] = [
        {"name": "scratch", "emptyDir": {}},
        {"name": "tmp", "emptyDir": {}},
    ]
    if resources.gpus > 1:  # collective operations between GPUs go through shared memory
        volumes.append({"name": "shm", "emptyDir": {"medium": "Memory"}})
    if _caches(kind, pool) and pool.weight_cache:
        volumes.append({"name": "cache", **_cache(pool.weight_cache)})
    return volumes


def _caches(kind: str, pool: PoolProfile) -> bool:
    return pool.weight_cache is not None and kind in READERS


def _cache(cache: CacheProfile) -> Manifest:
    if cache.claim:
        return {"persistentVolumeClaim": {"claimName": cache.claim}}
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": cache.storage_class,
        "resources": {"requests": {"storage": cache.size}},
    }
    return {"ephemeral": {"volumeClaimTemplate": {"spec": claim}}}


def _container(
    name: str,
    steps: Sequence[Step],
    resources: ResourcesSpec,
    pool: PoolProfile,
    settings: Settings,
) -> Manifest:
    store = settings.store
    runner = ["python", "-m", "clt_jobs.runner", "--store", store.uri, "--scratch", SCRATCH]
    kind = steps[0].kind
    secrets = [store.secret, settings.hub_secret if kind == "fetch" else ""]
    environment = _environment(kind, resources, settings)
    if _caches(kind, pool):
        environment += _variables({"CLT_CACHE": CACHE})
    environment += _rendezvous(name, steps[0], resources)
    container: Manifest = {
        "name": "steps",
        "image": resources.image or settings.image,
        "imagePullPolicy": settings.image_pull_policy,
        "command": runner[:3],
        "args": [*runner[3:], *(step.key for step in steps)],
        "env": environment,
        "ports": [{"name": "metrics", "containerPort": METRICS_PORT, "protocol": "TCP"}],
    }
    if any(secrets):
        container["envFrom"] = [{"secretRef": {"name": secret}} for secret in secrets if secret]
    container["resources"] = _amounts(resources, pool)
    container["securityContext"] = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    return container


def _environment(kind: str, resources: ResourcesSpec, settings: Settings) -> list[Manifest]:
    plain: dict[str, str] = {
        "CLT_STORE": settings.store.uri,
        "CLT_IMAGE": resources.image or settings.image,
        "CLT_METRICS_PORT": str(METRICS_PORT),
        "HOME": SCRATCH,
        "PYTHONHASHSEED": "0",
        "PYTHONUNBUFFERED": "1",
        "TOKENIZERS_PARALLELISM": "false",
        **dict.fromkeys(_THREADS, str(resources.threads)),
    }
    if kind == "fetch" and settings.hub_address:
        plain["HF_ENDPOINT"] = settings.hub_address
    if kind != "fetch":
        plain |= dict.fromkeys(_OFFLINE, "1")
    plain |= dict(sorted(settings.store.environment.items()))
    return [*_variables(plain), _from_field("CLT_POD_UID", "metadata.uid")]


def _rendezvous(name: str, step: Step, resources: ResourcesSpec) -> list[Manifest]:
    """How many processes work together and where they meet, by the names of ``torchrun``: one
    for each GPU, the first of the first pod listens. Kinds that one process computes have one
    on each pod, of which the first works."""
    ranks = max(1, resources.gpus) if step.params.together else 1
    if resources.nodes == 1:
        return _variables({"PET_NPROC_PER_NODE": str(ranks)}) if ranks > 1 else []
    plain = {
        "PET_NNODES": str(resources.nodes),
        "PET_NPROC_PER_NODE": str(ranks),
        "PET_MASTER_ADDR": f"{name}-0.{name}",
        "PET_MASTER_PORT": str(RENDEZVOUS_PORT),
    }
    rank = _from_field("PET_NODE_RANK", f"metadata.labels['{RANK_LABEL}']")
    return [*_variables(plain), rank]


def _variables(plain: Mapping[str, str]) -> list[Manifest]:
    return [{"name": name, "value": value} for name, value in plain.items()]


def _from_field(name: str, path: str) -> Manifest:
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}}


def _amounts(resources: ResourcesSpec, pool: PoolProfile) -> Manifest:
    """Memory and GPUs are limited to what is asked for; processors are shared when idle."""
    limits = {"memory": resources.memory}
    if resources.gpus:
        limits[pool.gpu_resource] = str(resources.gpus)
    return {"requests": {"cpu": str(resources.cpus), **limits}, "limits": limits.copy()}


def _toleration(toleration: Toleration) -> Manifest:
    made = {"key": toleration.key, "operator": "Equal" if toleration.value else "Exists"}
    if toleration.value:
        made["value"] = toleration.value
    if toleration.effect:
        made["effect"] = toleration.effect
    return made
