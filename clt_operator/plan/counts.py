"""Rows asked for against rows there are, as far as the lock knows them.

Said before anything runs: a source that runs out would otherwise fail a training, or an
evaluation, after the work before it is done.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from clt_operator.api.errors import Problem
from clt_operator.api.lock import Lock, data_request
from clt_operator.api.spec.experiment import ExperimentSpec
from clt_operator.api.spec.task import DataSpec, TaskSpec
from clt_operator.api.spec.train import TrainSpec
from clt_operator.plan.evaluations import evaluated_tasks
from clt_operator.plan.sweeps import default_tasks, expand


def check_counts(spec: ExperimentSpec, lock: Lock) -> list[Problem]:
    """Every sweep, stage and test that wants more rows of a language than its source has.

    Of each (place, task, language) the largest demand is reported. A split leaves at most its
    share for training, and is sure to give at least its share for testing.
    """
    held = _Held(lock)
    worst: dict[tuple[str, str, str], _Demand] = {}
    for demand in (*_trained(spec, held), *_tested(spec, held)):
        place = (demand.path, demand.task, demand.language)
        if demand.asked > demand.there and demand.asked > worst.get(place, _NOTHING).asked:
            worst[place] = demand
    return [
        Problem(
            demand.path,
            f"task {demand.task!r} {demand.use} {demand.asked} rows of {demand.language!r}, "
            f"{demand.source} {demand.there}",
            demand.hint,
        )
        for demand in worst.values()
    ]


@dataclass(frozen=True)
class _Demand:
    path: str
    task: str
    language: str
    asked: int
    there: int
    use: str = ""
    source: str = "its source has"
    hint: str = ""


_NOTHING = _Demand("", "", "", 0, 0)
_TRAIN_HINT = "lower the counts, or let rows repeat with train.maxRepeats"


class _Held:
    """Rows per source and language, None where the lock does not know them."""

    def __init__(self, lock: Lock) -> None:
        self._lock = lock
        self._of: dict[int, dict[str, int]] = {}

    def rows(self, data: DataSpec | None, language: str) -> int | None:
        if data is None:
            return None
        if id(data) not in self._of:
            entry = self._lock.sources.get(data_request(data))
            known = entry.languages.items() if entry else ()
            self._of[id(data)] = {code: r.rows for code, r in known if r.rows is not None}
        return self._of[id(data)].get(language)

    def training_rows(self, task: TaskSpec, language: str) -> int | None:
        rows = self.rows(task.train, language)
        if rows is None or task.split is None:
            return rows
        return rows - ceil(rows * task.split.test_fraction)


def _trained(spec: ExperimentSpec, held: _Held) -> Iterator[_Demand]:
    places = {sweep.name: f"spec.sweeps[{at}]" for at, sweep in enumerate(spec.sweeps)}
    for point in expand(spec):
        train = point.setting.spec.train
        if point.setting.sweep.unit == "samples":
            for name, language, count in point.quotas:
                task = point.setting.tasks[name]
                rows = held.training_rows(task, language)
                if rows is not None:
                    yield _of_training(places[point.sweep], task, language, train, (count, rows))
    tasks = {task.name: task for task in spec.tasks}
    for at, stage in enumerate(spec.stages):
        train = stage.train or spec.train
        if stage.unit == "samples":
            path = f"spec.stages[{at}].samples"
            for name in stage.tasks:
                for language in stage.languages:
                    rows = held.training_rows(tasks[name], language)
                    if rows is not None:
                        counts = (stage.samples, rows)
                        yield _of_training(path, tasks[name], language, train, counts)


def _of_training(
    path: str, task: TaskSpec, language: str, train: TrainSpec, counts: tuple[int, int]
) -> _Demand:
    """``counts``: rows asked for, rows there are; rows held out for validation go off first."""
    asked, rows = counts
    there = max(0, rows - train.validation_items) * train.max_repeats
    source = "its training part has at most" if task.split else "its source has"
    if train.validation_items:
        source = f"beside {train.validation_items} validation items {source}"
    if train.max_repeats > 1:
        source = f"with every row {train.max_repeats} times {source}"
    return _Demand(path, task.name, language, asked, there, "needs", source, _TRAIN_HINT)


def _tested(spec: ExperimentSpec, held: _Held) -> Iterator[_Demand]:
    paths = {task.name: f"spec.tasks[{at}]" for at, task in enumerate(spec.tasks)}
    trained = {name for sweep in spec.sweeps for name in (sweep.tasks or default_tasks(spec))}
    for task in evaluated_tasks(spec, tuple(trained)):
        path = paths[task.name]
        for language in spec.languages.evaluate:
            yield from _of_test(path, task, language, held)
            shots = held.rows(task.exemplars, language)
            native = task.generation.exemplar_language == "native"
            if shots is not None and (native or language == spec.languages.pivot):
                asked, hint = task.generation.shots, "lower generation.shots"
                use = "shows"
                where = f"{path}.generation.shots"
                yield _Demand(where, task.name, language, asked, shots, use, hint=hint)


def _of_test(path: str, task: TaskSpec, language: str, held: _Held) -> Iterator[_Demand]:
    if task.split:
        rows = held.rows(task.train, language)
        if rows is not None:
            sure = ceil(rows * task.split.test_fraction)
            source = "its test part is only sure to have"
            hint = "lower testItems, or raise split.testFraction"
            where, asked = f"{path}.testItems", task.test_items
            yield _Demand(where, task.name, language, asked, sure, "tests", source, hint)
    elif task.test:
        rows = held.rows(task.test, language)
        if rows is not None:
            where, asked, hint = f"{path}.test.items", task.test.items, "lower the items"
            yield _Demand(where, task.name, language, asked, rows, "tests", hint=hint)
