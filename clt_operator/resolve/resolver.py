"""``resolve``: every source and model of a spec, looked up once, all failures told together."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from clt_operator import __version__
from clt_operator.api.errors import CltError, Problem, SpecError, StoreError, TransientError
from clt_operator.api.kinds import KINDS
from clt_operator.api.lock import FileLock, LanguageRows, Lock, ModelLock, SourceLock, model_request
from clt_operator.api.spec.experiment import Experiment, ExperimentSpec
from clt_operator.api.spec.model import ModelSpec
from clt_operator.api.spec.names import split_source
from clt_operator.plan.counts import check_counts
from clt_operator.plan.needs import Need, needs
from clt_operator.plan.sweeps import settings_of
from clt_operator.resolve.files import NotThere, language_rows
from clt_operator.resolve.generated import generated_rows
from clt_operator.resolve.hub import Hub
from clt_operator.resolve.models import OFFLINE, lock_model

# What a user wants of a running experiment: nothing that a lock could be made of.
WISHES = {"suspend", "cancel"}


@dataclass(frozen=True)
class Lookups:
    """Where to look: ``base`` for relative paths; no hub: what lies on a hub or in S3 stays
    unpinned. With ``lenient``, what is not there stays unpinned instead of failing, so that a
    plan can be drawn up without the data at hand; what is there and wrong fails all the same.
    ``environment``: variables for S3 instead of this process's (see ``open_store``)."""

    base: Path
    hub: Hub | None = None
    lenient: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] | None = None


def resolve(experiment: Experiment, lookups: Lookups, previous: Lock | None = None) -> Lock:
    """The lock of a checked spec; what ``previous`` holds is kept.

    Raises SpecError with everything that could not be found or is no good; StoreError or
    TransientError where nothing is wrong but a store that refuses, or what does not answer.
    """
    spec = experiment.spec
    held = previous or Lock(clt_version=__version__, kind_versions={})
    problems = _Problems(lookups.lenient)
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
    problems.raise_any()
    versions = {kind: params.version for kind, params in KINDS.items()}
    return Lock(
        clt_version=held.clt_version,
        kind_versions={**versions, **held.kind_versions},
        variables=dict(lookups.variables),
        models=models,
        sources=sources,
        spec=spec.model_dump(mode="json", by_alias=True, exclude=WISHES),
    )


def resolve_remote(
    experiment: Experiment,
    hub: Hub,
    variables: Mapping[str, str],
    *,
    environment: Mapping[str, str] | None = None,
    previous: Lock | None = None,
) -> Lock:
    """The lock of a spec on a cluster: whatever it names, nothing is read from this machine's
    disk. Raises also SpecError where the data that was found does not suffice."""
    with tempfile.TemporaryDirectory(prefix="clt-empty-") as empty:
        lookups = Lookups(Path(empty), hub, False, variables, environment)
        lock = resolve(experiment, lookups, previous)
    if problems := check_counts(experiment.spec, lock):
        raise SpecError(problems)
    return lock


def _models(spec: ExperimentSpec) -> Iterator[tuple[str, ModelSpec]]:
    """Models as written, and as axes change them."""
    for at, model in enumerate(spec.models):
        yield f"spec.models[{at}].source", model
    for sweep in spec.sweeps:
        if any(path.startswith("models.") for path in sweep.axes):
            for setting in settings_of(spec, sweep):
                for at, model in enumerate(setting.spec.models):
                    yield f"spec.models[{at}].source", model


def _model(path: str, model: ModelSpec, lookups: Lookups, problems: "_Problems") -> ModelLock:
    try:
        return lock_model(model, lookups.base, lookups.hub, lookups.environment)
    except CltError as error:
        problems.add(path, error)
        return ModelLock(source=model.source, pinned=False, reason=str(error))


def _source(
    need: Need, held: SourceLock | None, lookups: Lookups, problems: "_Problems"
) -> SourceLock:
    """Languages that are held are kept, others looked up."""
    data = need.data
    scheme, rest = split_source(data.source)
    if held and held.pinned and scheme == "hf":
        return held
    if scheme == "hf":
        return _hub_source(need, rest, lookups, problems)
    languages = dict(held.languages) if held and held.pinned else {}
    reason = ""
    for language in need.languages:
        if language in languages:
            continue
        if rest.startswith("s3://") and lookups.hub is None:
            reason = OFFLINE
            continue
        try:
            languages[language] = (
                LanguageRows(rows=generated_rows(rest, data.arguments))
                if scheme == "generator"
                else language_rows(data, language, lookups.base, lookups.environment)
            )
        except CltError as error:
            reason = reason or str(error)
            problems.add(f"{need.path}.source", error)
    return SourceLock(source=data.source, pinned=not reason, reason=reason, languages=languages)


def _hub_source(need: Need, name: str, lookups: Lookups, problems: "_Problems") -> SourceLock:
    data = need.data
    reason = OFFLINE
    if lookups.hub is not None:
        try:
            entry = lookups.hub.look_up("datasets", name, data.revision)
            return SourceLock(source=data.source, revision=entry.revision)
        except CltError as error:
            reason = str(error)
            problems.add(f"{need.path}.source", error)
    return SourceLock(source=data.source, revision=data.revision, pinned=False, reason=reason)


class _Problems:
    """What a resolution could not do: mistakes of the spec, and faults that may pass."""

    def __init__(self, lenient: bool) -> None:
        self._lenient = lenient
        self._wrong: dict[Problem, None] = {}
        self._silent: dict[str, CltError] = {}

    def add(self, path: str, error: CltError) -> None:
        may_pass = isinstance(error, TransientError | StoreError)
        if self._lenient and (may_pass or isinstance(error, NotThere)):
            return
        if may_pass:
            self._silent[str(error)] = error
        else:
            self._wrong[Problem(path, str(error))] = None

    def raise_any(self) -> None:
        if self._wrong:
            raise SpecError(list(self._wrong))
        refused = [text for text, error in self._silent.items() if isinstance(error, StoreError)]
        if refused:
            raise StoreError("\n".join(refused))
        if self._silent:
            raise TransientError("\n".join([*self._silent, "nothing was started; try again"]))


def changed_files(lock: Lock) -> list[str]:
    """Local files that no longer look as they did when the lock was made (size or time)."""
    files = {file.location: file for file in _files(lock)}  # languages may share one
    return [location for location, file in files.items() if _changed(file)]


def other_versions(lock: Lock) -> list[str]:
    """Step kinds that the lock pins at another version than this release makes."""
    pinned = ((kind, lock.kind_versions.get(kind), made.version) for kind, made in KINDS.items())
    return [
        f"{kind} is pinned at version {held}, this release makes {made}"
        for kind, held, made in pinned
        if held is not None and held != made
    ]


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
