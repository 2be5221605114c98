"""Sweeps: names that exist, grids with points, budgets that add up."""

from collections.abc import Iterable
from functools import partial
from typing import get_args

from clt_operator.api.spec.experiment import ExperimentSpec
from clt_operator.api.spec.sweep import Control, Filter, SweepSpec
from clt_operator.plan.axes import text_of
from clt_operator.plan.check.axes import check_axes
from clt_operator.plan.check.findings import Findings
from clt_operator.plan.check.models import check_models
from clt_operator.plan.check.tasks import check_tasks
from clt_operator.plan.check.training import check_training
from clt_operator.plan.sweeps import (
    Setting,
    default_models,
    default_tasks,
    points_of,
    quotas_at,
    settings_of,
)

MODELS_AND_TASKS = ("models", "stages", "tasks")  # what their checks read


def check_sweeps(spec: ExperimentSpec, findings: Findings) -> None:
    findings.unique("spec.sweeps", [sweep.name for sweep in spec.sweeps])
    _unique_values("spec.seeds", spec.seeds, findings)
    check_training(spec, findings)
    for at, sweep in enumerate(spec.sweeps):
        _sweep(f"spec.sweeps[{at}]", sweep, spec, findings)


def _sweep(path: str, sweep: SweepSpec, spec: ExperimentSpec, findings: Findings) -> None:
    before = len(findings.problems)
    _own(path, sweep, spec, findings)
    for kind, rules in (("include", sweep.include), ("exclude", sweep.exclude)):
        for at, rule in enumerate(rules):
            _filter(f"{path}.{kind}[{at}]", rule, sweep, spec, findings)
    if len(findings.problems) == before:
        check_axes(path, sweep, spec, partial(_changed, spec), findings)
    if len(findings.problems) == before:
        _combined(path, sweep, spec, findings)


def _changed(
    before: ExperimentSpec,
    path: str,
    sweep: SweepSpec,
    spec: ExperimentSpec,
    findings: Findings,
) -> None:
    """What a value of an axis can break."""
    if any(getattr(spec, part) is not getattr(before, part) for part in MODELS_AND_TASKS):
        check_models(spec, findings)
        check_tasks(spec, findings)
    _own(path, sweep, spec, findings)


def _combined(path: str, sweep: SweepSpec, spec: ExperimentSpec, findings: Findings) -> None:
    """What several axes can only break together, and whether anything is left to run."""
    found = Findings()
    for setting in settings_of(spec, sweep):
        check_training(setting.spec, found)
        _budget(path, setting, found)
        _seeds(path, setting, found)
    findings.problems += dict.fromkeys(found.problems)
    if not found.problems and next(points_of(spec, sweep), None) is None:
        findings.add(path, "include and exclude leave no run", "change the filters")


def _own(path: str, sweep: SweepSpec, spec: ExperimentSpec, findings: Findings) -> None:
    _names(path, sweep, spec, findings)
    _counts(path, sweep, findings)
    _controls(path, sweep, spec, findings)


def _names(path: str, sweep: SweepSpec, spec: ExperimentSpec, findings: Findings) -> None:
    models = [model.name for model in spec.models]
    tasks = {task.name: task for task in spec.tasks}
    mixes = spec.languages.mixes
    _all_known(f"{path}.models", sweep.models, models, "model", findings)
    _all_known(f"{path}.tasks", sweep.tasks, tasks, "task", findings)
    _all_known(f"{path}.mixes", sweep.mixes, mixes, "mix", findings)
    for at, name in enumerate(sweep.tasks):
        if name in tasks and tasks[name].train is None:
            findings.add(
                f"{path}.tasks[{at}]",
                f"task {name!r} has no training rows",
                "leave it out: tasks that are only tested are evaluated on every run",
            )
    if not sweep.models and not default_models(spec):
        findings.add(path, "no model is left to train", "name the models of the sweep")
    if not sweep.tasks and not default_tasks(spec):
        findings.add(path, "no task has both training and test rows", "name the sweep's tasks")
    used = {code for name in (sweep.mixes or mixes) if name in mixes for code in mixes[name]}
    for field, given in (("quotas", sweep.quotas), ("scale", sweep.scale)):
        for code in given:
            findings.known(f"{path}.{field}.{code}", code, sorted(used), "language of the mixes")


def _counts(path: str, sweep: SweepSpec, findings: Findings) -> None:
    span = sweep.samples_per_language.range
    if not sweep.samples_per_language.expand():
        findings.add(
            f"{path}.samplesPerLanguage", "there is no value", "give values, or a range that counts"
        )
    if span and span.to < span.start:
        findings.add(f"{path}.samplesPerLanguage.range", "'to' is below 'from'")
    _unique_values(f"{path}.seeds", sweep.seeds, findings)


def _controls(path: str, sweep: SweepSpec, spec: ExperimentSpec, findings: Findings) -> None:
    findings.unique(f"{path}.controls", sweep.controls, "")
    counted = sweep.unit == "samples"
    for at, control in enumerate(sweep.controls):
        where = f"{path}.controls[{at}]"
        if control in ("token_matched", "equal_steps") and not counted:
            findings.add(
                where,
                f"{control} compares with mixtures counted in samples, not in {sweep.unit}",
                "use unit: samples, or leave the control out",
            )
        if control == "equal_steps" and spec.train.steps:
            findings.add(
                where,
                f"train.steps gives every run {spec.train.steps} steps already",
                "leave the control out, or train by epochs",
            )
        if control == "equal_steps" and spec.train.batch_unit != "rows":
            findings.add(
                where,
                "the steps of k=0 are known only for batches counted in rows",
                "use batchUnit: rows, or train.steps",
            )


def _filter(
    path: str, rule: Filter, sweep: SweepSpec, spec: ExperimentSpec, findings: Findings
) -> None:
    """A value that no point can have would keep or drop nothing without a word."""
    models = [model.name for model in spec.models]
    _all_known(f"{path}.models", rule.models, models, "model", findings)
    _all_known(f"{path}.tasks", rule.tasks, [t.name for t in spec.tasks], "task", findings)
    _all_known(f"{path}.mixes", rule.mixes, spec.languages.mixes, "mix", findings)
    for at, control in enumerate(rule.controls):
        if control and control not in get_args(Control):
            findings.known(f"{path}.controls[{at}]", control, get_args(Control), "control")
    for axis, values in rule.axes.items():
        where = f"{path}.axes.{axis}"
        if findings.known(where, axis, sweep.axes, "axis of this sweep"):
            there = [text_of(value) for value in sweep.axes[axis]]
            for at, value in enumerate(values):
                findings.known(f"{where}[{at}]", text_of(value), there, "value of the axis")
    if any(axis.startswith("sweep.") for axis in sweep.axes):  # may change k and seeds
        return
    ks = sweep.samples_per_language.expand()
    _there(f"{path}.samplesPerLanguage", rule.samples_per_language, ks, findings)
    _there(f"{path}.seeds", rule.seeds, sweep.seeds or spec.seeds, findings)


def _there(path: str, given: list[int], there: list[int], findings: Findings) -> None:
    for at, value in enumerate(given):
        if value not in there:
            findings.add(f"{path}[{at}]", f"no run of the sweep has {value}")


def _budget(path: str, setting: Setting, findings: Findings) -> None:
    """A substitutive budget cannot take more from the pivot than it has."""
    spec, sweep = setting.spec, setting.sweep
    if sweep.budget != "substitutive":
        return
    tasks = tuple(sweep.tasks or default_tasks(spec))[:1]
    for mix in sweep.mixes or spec.languages.mixes:
        for k in sweep.samples_per_language.expand():
            least = min((c for _, _, c in quotas_at(spec, sweep, tasks, mix, k)), default=0)
            if least < 0:
                findings.add(
                    f"{path}.samplesPerLanguage",
                    f"k={k} with mix {mix!r} takes {-least} rows more than the pivot's "
                    f"{sweep.pivot_samples}",
                    "raise pivotSamples, lower k, or use budget: additive",
                )


def _seeds(path: str, setting: Setting, findings: Findings) -> None:
    """Seeds that change nothing are one run counted several times."""
    spec = setting.spec
    seeds = setting.sweep.seeds or spec.seeds
    policy = spec.seed_policy
    sampled = any(task.generation.temperature for task in spec.tasks)
    varies = "varies" in (policy.subset, policy.order, policy.init)
    if len(seeds) > 1 and not varies and not (sampled and policy.decode == "varies"):
        findings.add(
            f"{path}.seeds" if setting.sweep.seeds else "spec.seeds",
            f"seedPolicy fixes everything: the {len(seeds)} seeds are one run",
            "let something vary, or give one seed",
        )


def _all_known(
    path: str, given: list[str], names: Iterable[str], what: str, findings: Findings
) -> None:
    names = list(names)
    for at, name in enumerate(given):
        findings.known(f"{path}[{at}]", name, names, what)
    findings.unique(path, given, "")


def _unique_values(path: str, values: list[int], findings: Findings) -> None:
    findings.unique(path, [str(value) for value in values], "")
