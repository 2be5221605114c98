"""Which sources a study reads, in which languages: what a resolution has to look up."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from clt_operator.api.lock import data_request
from clt_operator.api.spec.experiment import ExperimentSpec
from clt_operator.api.spec.names import split_source
from clt_operator.api.spec.sweep import SweepSpec
from clt_operator.api.spec.task import DataSpec, TaskSpec
from clt_operator.plan.evaluations import evaluated_tasks
from clt_operator.plan.sweeps import default_tasks, settings_of
from clt_operator.plan.trainings import texts_of


@dataclass
class Need:
    """One source, the languages wanted of it, and where the spec asks for it first."""

    data: DataSpec
    path: str
    languages: list[str] = field(default_factory=list)


def needs(spec: ExperimentSpec) -> dict[str, Need]:
    """By request, in the order of the spec."""
    found: dict[str, Need] = {}
    for data, path, languages in _wanted(spec):
        need = found.setdefault(data_request(data), Need(data, path))
        need.languages += [code for code in languages if code not in need.languages]
    return found


def _wanted(spec: ExperimentSpec) -> Iterator[tuple[DataSpec, str, list[str]]]:
    paths = {task.name: f"spec.tasks[{at}]" for at, task in enumerate(spec.tasks)}
    for changed, sweep in _settings(spec):
        tasks = {task.name: task for task in changed.tasks}
        for stage in changed.stages:
            for name in stage.tasks:
                yield from _training(changed, tasks[name], paths[name], stage.languages)
        for model in changed.models:
            if split_source(model.source)[0] == "init":
                for name, language in texts_of(changed, model.name):
                    yield from _training(changed, tasks[name], paths[name], [language])
        yield from _of_sweep(changed, sweep, paths)


def _settings(spec: ExperimentSpec) -> Iterator[tuple[ExperimentSpec, SweepSpec]]:
    """Sweeps with their axes set, where an axis can change what is read; else once."""
    for sweep in spec.sweeps:
        if any(path.split(".")[0] not in ("train", "seedPolicy") for path in sweep.axes):
            for setting in settings_of(spec, sweep):
                yield setting.spec, setting.sweep
        else:
            yield spec, sweep


def _of_sweep(
    spec: ExperimentSpec, sweep: SweepSpec, paths: dict[str, str]
) -> Iterator[tuple[DataSpec, str, list[str]]]:
    languages = spec.languages
    mixed = [code for mix in sweep.mixes or languages.mixes for code in languages.mixes[mix]]
    trained = tuple(sweep.tasks or default_tasks(spec))
    for task in spec.tasks:
        if task.name in trained:
            yield from _training(spec, task, paths[task.name], [languages.pivot, *mixed])
    for task in evaluated_tasks(spec, trained):
        path = paths[task.name]
        if task.split and task.train:
            yield from _training(spec, task, path, languages.evaluate)
        elif task.test:
            yield task.test, f"{path}.test", languages.evaluate
        if task.generation.shots:
            native = task.generation.exemplar_language == "native"
            wanted = languages.evaluate if native else [languages.pivot]
            if task.exemplars:
                yield task.exemplars, f"{path}.exemplars", wanted
            else:
                yield from _training(spec, task, path, wanted)


def _training(
    spec: ExperimentSpec, task: TaskSpec, path: str, languages: list[str]
) -> Iterator[tuple[DataSpec, str, list[str]]]:
    """The training source, with the language whose text finds the clusters of a split."""
    if task.train:
        clustered = task.split and task.split.by == "cluster"
        reference = (task.split and task.split.reference) or spec.languages.pivot
        yield task.train, f"{path}.train", [*languages, *([reference] if clustered else [])]
