"""What a spec may read on a cluster: a hub, generators, its own stages, allowed prefixes.

The operator resolves sources with its own credentials: a spec must not steer them to a bucket
of others, nor to the disk that the operator runs on.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from clt_operator.api.errors import Problem
from clt_operator.api.profiles.entries import StoreProfile
from clt_operator.api.spec.experiment import ExperimentSpec
from clt_operator.api.spec.names import MODEL_SCHEMES, ROW_SCHEMES, split_source
from clt_operator.api.spec.task import DataSpec

ROLES = ("train", "test", "exemplars")
REMOTE = ("hf", "generator", "stage", "init")  # nothing of a bucket or a disk
KNOWN = {*ROW_SCHEMES, *MODEL_SCHEMES}


def check_sources(spec: ExperimentSpec, store: StoreProfile) -> list[Problem]:
    """Every source that a cluster with this store does not read, values of axes included."""
    refused = (_problem(path, source, store) for path, source in _sources(spec))
    wanders = [
        Problem(path, f"{name!r} stands for a part of a source", "leave '.' and '..' out")
        for path, name in _names(spec)
        if _wanders(name)
    ]
    return [problem for problem in refused if problem] + wanders


def _problem(path: str, source: str, store: StoreProfile) -> Problem | None:
    scheme, rest = split_source(source)
    if scheme in REMOTE or scheme not in KNOWN:  # what is no source at all is found elsewhere
        return None
    place = source if scheme == "s3" else rest
    if not place.startswith("s3:"):
        return Problem(
            path,
            f"{source!r} is on one machine, which a cluster cannot read",
            "copy it into the store: cltctl push SPEC",
        )
    if scheme == "gguf":
        return Problem(
            path, "a GGUF model in a bucket is not read", "store it as safetensors and write s3://…"
        )
    bare = place.partition("?")[0]
    within = any(f"{bare}/".startswith(f"{prefix}/") for prefix in store.readable)
    if within and not _wanders(bare):
        return None
    return Problem(
        path,
        f"{place!r} is outside of what store {store.uri} may read",
        f"copy it below one of {', '.join(store.readable)}, or ask the platform team to list "
        "its prefix in the store's inputs",
    )


def _wanders(path: str) -> bool:
    return any(part in (".", "..") for part in path.split("/"))


def _sources(spec: ExperimentSpec) -> Iterator[tuple[str, str]]:
    for at, model in enumerate(spec.models):
        yield f"spec.models[{at}].source", model.source
    for at, task in enumerate(spec.tasks):
        for role in ROLES:
            data: DataSpec | None = getattr(task, role)
            if data is not None:
                yield f"spec.tasks[{at}].{role}.source", data.source
    for path, parts, value in _axis_values(spec):
        if _is_source(parts) and isinstance(value, str):
            yield path, value


def _names(spec: ExperimentSpec) -> Iterator[tuple[str, str]]:
    """What takes the place of ``{language}`` in a source."""
    for at, task in enumerate(spec.tasks):
        for role in ROLES:
            data: DataSpec | None = getattr(task, role)
            for code, name in data.language_names.items() if data is not None else ():
                yield f"spec.tasks[{at}].{role}.languageNames.{code}", name
    for path, parts, value in _axis_values(spec):
        if "languageNames" in parts and isinstance(value, str):
            yield path, value


def _axis_values(spec: ExperimentSpec) -> Iterator[tuple[str, tuple[str, ...], Any]]:
    """Every value that an axis sets, with the path of its axis and the parts of its own."""
    for at, sweep in enumerate(spec.sweeps):
        for axis, values in sweep.axes.items():
            for value in values:
                for parts, leaf in _leaves(tuple(axis.split(".")), value):
                    yield f"spec.sweeps[{at}].axes.{axis}", parts, leaf


def _leaves(parts: tuple[str, ...], value: Any) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves((*parts, name), inner)
    else:
        yield parts, value


def _is_source(parts: Sequence[str]) -> bool:
    """``models.NAME.source`` or ``tasks.NAME.train.source``."""
    match parts:
        case ("models", _, "source"):
            return True
        case ("tasks", _, role, "source"):
            return role in ROLES
    return False
