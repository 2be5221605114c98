"""Sweeps become points: each is one training, described in the terms of the spec.

A point says which model is trained on how many rows of which task and language, with which
seeds. Points of different sweeps that describe the same training get the same key later:
``k = 0`` of every mix is one training.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from clt_operator.api.spec.experiment import ExperimentSpec
from clt_operator.api.spec.sweep import Filter, SeedsSpec, SweepSpec
from clt_operator.api.spec.task import TaskSpec
from clt_operator.plan.axes import apply_axes, combinations, text_of

Quotas = tuple[tuple[str, str, int], ...]  # (task, language, count in the sweep's unit)


@dataclass(frozen=True)
class Setting:
    """A spec with the values of one combination of axes set; shared by all its points."""

    spec: ExperimentSpec
    sweep: SweepSpec
    coordinates: tuple[tuple[str, str], ...]

    @cached_property
    def tasks(self) -> dict[str, TaskSpec]:
        return {task.name: task for task in self.spec.tasks}


@dataclass(frozen=True, slots=True)
class Point:
    """One run: a training and where it stands in its sweep."""

    setting: Setting
    model: str
    mix: str
    tasks: tuple[str, ...]  # trained on, together
    k: int
    seed: int
    control: str
    quotas: Quotas  # only what is above zero
    baseline: Quotas  # the same design at k = 0, for controls that match it

    @property
    def sweep(self) -> str:
        return self.setting.sweep.name


def default_models(spec: ExperimentSpec) -> list[str]:
    """Every model that is not merely the start of a stage."""
    starts = {stage.model for stage in spec.stages}
    return [model.name for model in spec.models if model.name not in starts]


def default_tasks(spec: ExperimentSpec) -> list[str]:
    """Every task that has both a training and a test part."""
    return [task.name for task in spec.tasks if task.train and (task.test or task.split)]


def expand(spec: ExperimentSpec) -> Iterator[Point]:
    """The points of all sweeps, in the order of the spec: sweep, axes, model, tasks, mix, k,
    control, seed."""
    for sweep in spec.sweeps:
        yield from points_of(spec, sweep)


def points_of(spec: ExperimentSpec, sweep: SweepSpec) -> Iterator[Point]:
    """The points of one sweep."""
    for setting in settings_of(spec, sweep):
        yield from _points(setting)


def settings_of(spec: ExperimentSpec, sweep: SweepSpec) -> Iterator[Setting]:
    """The spec once for every combination of the sweep's axes.

    Raises AxisError where a path or value does not fit (``check`` finds them all first).
    """
    for coordinates in combinations(sweep):
        changed, own = apply_axes(spec, sweep, coordinates)
        shown = tuple((path, text_of(value)) for path, value in coordinates.items())
        yield Setting(changed, own, shown)


def _points(setting: Setting) -> Iterator[Point]:
    spec, sweep = setting.spec, setting.sweep
    tasks = sweep.tasks or default_tasks(spec)
    groups = [tuple(tasks)] if sweep.task_mode == "joint" else [(task,) for task in tasks]
    for model in sweep.models or default_models(spec):
        for group in groups:
            for mix in sweep.mixes or list(spec.languages.mixes):
                baseline = quotas_at(spec, sweep, group, mix, 0)
                for k in sweep.samples_per_language.expand():
                    quotas = quotas_at(spec, sweep, group, mix, k)
                    for control in ("", *(sweep.controls if k else ())):
                        used = _controlled(quotas, control, spec.languages.pivot)
                        for seed in sweep.seeds or spec.seeds:
                            point = Point(
                                setting, model, mix, group, k, seed, control, used, baseline
                            )
                            if _kept(point):
                                yield point


def quotas_at(
    spec: ExperimentSpec, sweep: SweepSpec, tasks: tuple[str, ...], mix: str, k: int
) -> Quotas:
    """Counts per (task, language): the pivot first, then the mix in its declared order.

    Substitutive budgets take the mix's share from the pivot; the result may be negative there,
    which ``check`` reports.
    """
    quotas = []
    for task in tasks:
        others = [(language, _quota(sweep, language, k)) for language in spec.languages.mixes[mix]]
        taken = sum(count for _, count in others) if sweep.budget == "substitutive" else 0
        quotas.append((task, spec.languages.pivot, sweep.pivot_samples - taken))
        quotas += [(task, language, count) for language, count in others]
    return tuple(quota for quota in quotas if quota[2])


def _quota(sweep: SweepSpec, language: str, k: int) -> int:
    if k and language in sweep.quotas:
        return sweep.quotas[language]
    return round(k * sweep.scale.get(language, 1.0))


def _controlled(quotas: Quotas, control: str, pivot: str) -> Quotas:
    """pivot_matched: the pivot alone, with as many rows per task as all languages had."""
    if control != "pivot_matched":
        return quotas
    totals: dict[str, int] = {}
    for task, _, count in quotas:
        totals[task] = totals.get(task, 0) + count
    return tuple((task, pivot, count) for task, count in totals.items())


def _kept(point: Point) -> bool:
    sweep = point.setting.sweep
    if sweep.include and not any(_matches(point, rule) for rule in sweep.include):
        return False
    return not any(_matches(point, rule) for rule in sweep.exclude)


def _matches(point: Point, rule: Filter) -> bool:
    """True where every field that the rule gives lists the point's value."""
    shown = dict(point.setting.coordinates)
    return (
        (not rule.models or point.model in rule.models)
        and (not rule.tasks or all(task in rule.tasks for task in point.tasks))
        and (not rule.mixes or point.mix in rule.mixes)
        and (not rule.samples_per_language or point.k in rule.samples_per_language)
        and (not rule.seeds or point.seed in rule.seeds)
        and (not rule.controls or point.control in rule.controls)
        and all(
            shown.get(axis) in [text_of(v) for v in values] for axis, values in rule.axes.items()
        )
    )


@dataclass(frozen=True, slots=True)
class Seeds:
    """The four seeds of a run. The same id gives the same permutations in every cell."""

    subset: int
    order: int
    init: int
    decode: int


def seeds_of(seed: int, policy: SeedsSpec) -> Seeds:
    """Seeds that vary follow the run's seed; fixed ones are 0."""

    def own(rule: str) -> int:
        return seed if rule == "varies" else 0

    return Seeds(own(policy.subset), own(policy.order), own(policy.init), own(policy.decode))
