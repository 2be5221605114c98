"""``resolve``: every source and model of a spec, looked up once, all failures told together."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from clt_operator import __version__
from clt_operator.api.errors import CltError, Problem, SpecError, TransientError
from clt_operator.api.kinds import KINDS
from clt_operator.api.lock import FileLock, LanguageRows, Lock, ModelLock, SourceLock, model_request
from clt_operator.api.spec.experiment import Experiment, ExperimentSpec
from clt_operator.api.spec.model import ModelSpec
from clt_operator.api.spec.names import split_source
from clt_operator.plan.axes import apply_axes, combinations
from clt_operator.plan.needs import Need, needs
from clt_operator.resolve.files import language_rows
from clt_operator.resolve.generated import generated_rows
from clt_operator.resolve.hub import Hub
from clt_operator.resolve.models import lock_model


@dataclass(frozen=True)
class Lookups:
    """Where to look: ``base`` for relative paths; no hub: hub entries stay unpinned. With
    ``lenient``, what cannot be read stays unpinned instead of failing (a plan can be drawn up
    without the data at hand)."""

    base: Path
    hub: Hub | None = None
    lenient: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)


def resolve(experiment: Experiment, lookups: Lookups, previous: Lock | None = None) -> Lock:
    """The lock of a checked spec; what ``previous`` holds is kept.

    Raises SpecError with everything that could not be found.
    """
    spec = experiment.spec
    held = previous or Lock(clt_version=__version__, kind_versions={})
    problems: list[Problem] = []
    sources = {}
    for request, need in needs(spec).items():
        sources[request] = _source(need, held.sources.get(request), lookups, problems)
    models = {}
    for path, model in _models(spec):
        request = model_request(model)
        if request in models or model.source.startswith("stage:"):
            continue
        kept = held.models.get(request)
        models[request] = kept if kept and kept.pinned else _model(path, model, lookups, problems)
    if problems:
        raise SpecError(problems)
    versions = {kind: params.version for kind, params in KINDS.items()}
    return Lock(
        clt_version=held.clt_version,
        kind_versions={**versions, **held.kind_versions},
        variables=dict(lookups.variables),
        models=models,
        sources=sources,
        spec=spec.model_dump(mode="json", by_alias=True),
    )


def _models(spec: ExperimentSpec) -> Iterator[tuple[str, ModelSpec]]:
    """Models as written, and as axes change them."""
    for at, model in enumerate(spec.models):
        yield f"spec.models[{at}].source", model
    for sweep in spec.sweeps:
        if any(path.startswith("models.") for path in sweep.axes):
            for coordinates in combinations(sweep):
                changed, _ = apply_axes(spec, sweep, coordinates)
                yield from ((f"spec.models[{n}].source", m) for n, m in enumerate(changed.models))


def _model(path: str, model: ModelSpec, lookups: Lookups, problems: list[Problem]) -> ModelLock:
    try:
        return lock_model(model, lookups.base, lookups.hub)
    except CltError as error:
        _failed(path, error, lookups, problems)
        return ModelLock(source=model.source, pinned=False)


def _source(
    need: Need, held: SourceLock | None, lookups: Lookups, problems: list[Problem]
) -> SourceLock:
    data = need.data
    scheme, rest = split_source(data.source)
    if held and held.pinned and scheme == "hf":
        return held
    if scheme == "hf":
        return _hub_source(need, rest, lookups, problems)
    languages = dict(held.languages) if held and held.pinned else {}
    pinned = True
    for language in need.languages:
        if language in languages:
            continue
        if scheme == "generator":
            languages[language] = LanguageRows(rows=generated_rows(rest, data.arguments))
            continue
        try:
            languages[language] = language_rows(data, language, lookups.base)
        except CltError as error:
            pinned = False
            _failed(f"{need.path}.source", error, lookups, problems)
    return SourceLock(source=data.source, pinned=pinned, languages=languages)


def _hub_source(need: Need, name: str, lookups: Lookups, problems: list[Problem]) -> SourceLock:
    data = need.data
    unpinned = SourceLock(source=data.source, revision=data.revision, pinned=False)
    if lookups.hub is None:
        return unpinned
    try:
        entry = lookups.hub.look_up("datasets", name, data.revision)
    except CltError as error:
        _failed(f"{need.path}.source", error, lookups, problems)
        return unpinned
    return SourceLock(source=data.source, revision=entry.revision)


def _failed(path: str, error: CltError, lookups: Lookups, problems: list[Problem]) -> None:
    if not lookups.lenient:
        hint = "try again" if isinstance(error, TransientError) else ""
        problems.append(Problem(path, str(error), hint))


def changed_files(lock: Lock) -> list[str]:
    """Local files that no longer look as they did when the lock was made (size or time)."""
    return [file.location for file in _files(lock) if _changed(file)]


def _files(lock: Lock) -> Iterator[FileLock]:
    for model in lock.models.values():
        yield from model.files
    for source in lock.sources.values():
        for rows in source.languages.values():
            yield from rows.files


def _changed(file: FileLock) -> bool:
    if "://" in file.location:
        return False
    try:
        status = Path(file.location).stat()
    except OSError:
        return True
    return status.st_size != file.size or status.st_mtime != file.modified
