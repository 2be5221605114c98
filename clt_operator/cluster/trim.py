"""What a cache keeps of an object: the fields that we read, in little memory.

A Job as the API serves it takes some 34 KiB of memory, trimmed some 6. Keys and words that
recur are shared between objects (``sys.intern``); lists leave out ``kind``, here it is always
there.
"""

import re
from sys import intern
from typing import Any

from clt_operator.cluster.resources import EXPERIMENTS, JOBS, PODS, Resource

Object = dict[str, Any]

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_KEY = re.compile(r"[0-9a-f]{64}")
_METADATA = (
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "ownerReferences",
    "finalizers",
)
_JOB = ("suspend", "parallelism", "completions", "completionMode", "activeDeadlineSeconds")
_POD_STATUS = ("phase", "reason", "message", "conditions", "startTime")
_CONTAINER = ("name", "state", "lastState", "imageID", "restartCount")
_WORDS = 32  # characters up to which a text is thought to recur


def trim_job(item: Object) -> Object:
    """All of the status; of the template what its containers run."""
    spec = item.get("spec") or {}
    containers = ((spec.get("template") or {}).get("spec") or {}).get("containers") or ()
    kept = _picked(spec, _JOB)
    kept["template"] = {
        "spec": {"containers": [_picked(one, ("name", "image", "args")) for one in containers]}
    }
    return _object(JOBS, item, kept, shared(item.get("status") or {}))


def trim_pod(item: Object) -> Object:
    """Where it runs and how it fares."""
    status = item.get("status") or {}
    kept = _picked(status, _POD_STATUS)
    if containers := status.get("containerStatuses"):
        kept["containerStatuses"] = [_picked(one, _CONTAINER) for one in containers]
    return _object(PODS, item, _picked(item.get("spec") or {}, ("nodeName",)), kept)


def trim_experiment(item: Object) -> Object:
    """All that users and the operator wrote."""
    return _object(EXPERIMENTS, item, item.get("spec") or {}, item.get("status") or {})


def trim_any(item: Object) -> Object:
    """Everything but the records of who wrote what."""
    return {**item, "metadata": _metadata(item.get("metadata") or {})}


def keys_of(job: Object) -> tuple[str, ...]:
    """The keys of the steps that a Job carries, in order: the last arguments of its container."""
    containers = job["spec"]["template"]["spec"]["containers"]
    arguments = (containers[0].get("args") or ()) if containers else ()
    keys: list[str] = []
    for argument in reversed(arguments):
        if not _KEY.fullmatch(argument):
            break
        keys.append(argument)
    return tuple(reversed(keys))


def shared(value: Any) -> Any:
    """The same value with keys and short texts that other objects share."""
    if isinstance(value, dict):
        return {intern(key): shared(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [shared(inner) for inner in value]
    return intern(value) if isinstance(value, str) and len(value) < _WORDS else value


def _object(resource: Resource, item: Object, spec: Object, status: Object) -> Object:
    return {
        "apiVersion": item.get("apiVersion") or resource.api_version,
        "kind": resource.kind,
        "metadata": _metadata(item.get("metadata") or {}),
        "spec": spec,
        "status": status,
    }


def _metadata(metadata: Object) -> Object:
    kept = {name: metadata[name] for name in _METADATA if name in metadata}
    for name in ("labels", "ownerReferences"):
        if name in metadata:
            kept[name] = shared(metadata[name])
    if "namespace" in kept:
        kept["namespace"] = intern(kept["namespace"])
    if annotations := metadata.get("annotations"):
        kept["annotations"] = {
            intern(name): text for name, text in annotations.items() if name != LAST_APPLIED
        }
    return kept


def _picked(source: Object, names: tuple[str, ...]) -> Object:
    return {name: shared(source[name]) for name in names if name in source}
