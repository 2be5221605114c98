"""Sweeps: names that exist, grids with points, budgets that add up."""

from collections.abc import Iterable

from clt_operator.api.spec.experiment import ExperimentSpec
from clt_operator.api.spec.sweep import Filter, SweepSpec
from clt_operator.api.spec.train import TrainSpec
from clt_operator.plan.axes import check_axes
from clt_operator.plan.check.findings import Findings
from clt_operator.plan.sweeps import default_models, default_tasks, quotas_at


def check_sweeps(spec: ExperimentSpec, findings: Findings) -> None:
    findings.unique("spec.sweeps", [sweep.name for sweep in spec.sweeps])
    _unique_values("spec.seeds", spec.seeds, findings)
    _selection("spec.train", spec.train, findings)
    for at, stage in enumerate(spec.stages):
        if stage.train:
            _selection(f"spec.stages[{at}].train", stage.train, findings)
    for at, sweep in enumerate(spec.sweeps):
        _sweep(f"spec.sweeps[{at}]", sweep, spec, findings)


def _sweep(path: str, sweep: SweepSpec, spec: ExperimentSpec, findings: Findings) -> None:
    before = len(findings.problems)
    _names(path, sweep, spec, findings)
    _unique_values(f"{path}.seeds", sweep.seeds, findings)
    ks = sweep.samples_per_language.expand()
    span = sweep.samples_per_language.range
    if not ks:
        findings.add(
            f"{path}.samplesPerLanguage", "there is no value", "give values, or a range that counts"
        )
    if span and span.to < span.start:
        findings.add(f"{path}.samplesPerLanguage.range", "'to' is below 'from'")
    if "token_matched" in sweep.controls and sweep.unit != "samples":
        findings.add(
            f"{path}.controls",
            f"token_matched compares with mixtures counted in samples, not in {sweep.unit}",
            "use unit: samples, or leave the control out",
        )
    findings.problems += check_axes(spec, sweep, path)
    if len(findings.problems) == before:
        _budget(path, sweep, spec, ks, findings)


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
    for kind, rules in (("include", sweep.include), ("exclude", sweep.exclude)):
        for at, rule in enumerate(rules):
            _filter(f"{path}.{kind}[{at}]", rule, spec, findings)


def _filter(path: str, rule: Filter, spec: ExperimentSpec, findings: Findings) -> None:
    models = [model.name for model in spec.models]
    _all_known(f"{path}.models", rule.models, models, "model", findings)
    _all_known(f"{path}.tasks", rule.tasks, [t.name for t in spec.tasks], "task", findings)
    _all_known(f"{path}.mixes", rule.mixes, spec.languages.mixes, "mix", findings)


def _budget(
    path: str, sweep: SweepSpec, spec: ExperimentSpec, ks: list[int], findings: Findings
) -> None:
    """A substitutive budget cannot take more from the pivot than it has."""
    if sweep.budget != "substitutive":
        return
    tasks = tuple(sweep.tasks or default_tasks(spec))[:1]
    for mix in sweep.mixes or spec.languages.mixes:
        for k in ks:
            least = min((c for _, _, c in quotas_at(spec, sweep, tasks, mix, k)), default=0)
            if least < 0:
                findings.add(
                    f"{path}.samplesPerLanguage",
                    f"k={k} with mix {mix!r} takes {-least} rows more than the pivot's "
                    f"{sweep.pivot_samples}",
                    "raise pivotSamples, lower k, or use budget: additive",
                )


def _selection(path: str, train: TrainSpec, findings: Findings) -> None:
    if train.select != "last" and not train.validation_items:
        findings.add(
            f"{path}.select",
            f"{train.select!r} needs validation rows",
            "set validationItems above 0, or select: last",
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
