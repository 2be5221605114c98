"""Tasks: a source for every part, columns for every field, metrics that exist."""

from clt_operator.api.metrics import METRICS
from clt_operator.api.spec.experiment import ExperimentSpec
from clt_operator.api.spec.names import ROW_SCHEMES, split_source
from clt_operator.api.spec.task import DataSpec, TaskSpec
from clt_operator.plan.check.findings import Findings
from clt_operator.plan.check.templates import check_templates

HUB_FIELDS = ("revision", "config", "split")


def check_tasks(spec: ExperimentSpec, findings: Findings) -> None:
    findings.unique("spec.tasks", [task.name for task in spec.tasks])
    for at, task in enumerate(spec.tasks):
        path = f"spec.tasks[{at}]"
        for role in ("train", "test", "exemplars"):
            data: DataSpec | None = getattr(task, role)
            if data is not None:
                _data(f"{path}.{role}", data, _needed(task, role), findings)
        _parts(path, task, findings)
        _evaluation(path, task, findings)
        for code in task.templates:
            findings.language(f"{path}.templates.{code}", code)
        if task.split and task.split.reference:
            findings.language(f"{path}.split.reference", task.split.reference)
        check_templates(path, task, findings)


def _needed(task: TaskSpec, role: str) -> tuple[str, ...]:
    """Fields of a row that a part cannot do without."""
    if role == "test":
        return ("prompt", "answer")
    if role == "train" and task.split:  # the test part comes out of it, too
        return ("prompt", "response", "answer")
    return ("prompt", "response")


def _data(path: str, data: DataSpec, needed: tuple[str, ...], findings: Findings) -> None:
    scheme, rest = split_source(data.source)
    if scheme not in ROW_SCHEMES or not rest:
        findings.add(
            f"{path}.source",
            f"{data.source!r} is no source of rows",
            f"write one of {', '.join(f'{s}:…' for s in ROW_SCHEMES)}",
        )
        return
    if scheme == "generator":
        if data.columns:
            findings.add(f"{path}.columns", "a generator makes its own fields; leave columns out")
    else:
        for field in needed:
            if field not in data.columns:
                findings.add(
                    f"{path}.columns",
                    f"no column is mapped to {field!r}",
                    f"add {field}: '{{column of the source}}'",
                )
        if data.arguments:
            findings.add(f"{path}.arguments", "only generators take arguments")
    if scheme != "hf":
        for field in HUB_FIELDS:
            if getattr(data, field):
                findings.add(f"{path}.{field}", f"only hub data sets (hf:…) have a {field}")
    for code in data.language_names:
        findings.language(f"{path}.languageNames.{code}", code)
    for code in data.provenance:
        findings.language(f"{path}.provenance.{code}", code)


def _parts(path: str, task: TaskSpec, findings: Findings) -> None:
    if task.train is None and task.test is None:
        findings.add(path, f"task {task.name!r} has neither train nor test", "give it a source")
    if task.split and task.train is None:
        findings.add(f"{path}.split", "split cuts the training source, and there is none")
    if task.split and task.test is not None:
        findings.add(
            f"{path}.test",
            "both test and split are given",
            "split makes the test part out of the training source; keep one (items: testItems)",
        )
    if task.test_items and not task.split:
        findings.add(f"{path}.testItems", "testItems belongs to split", "write test.items instead")
    for role in ("train", "exemplars"):
        data: DataSpec | None = getattr(task, role)
        if data and data.items:
            findings.add(f"{path}.{role}.items", "items says how many test items are used")
    exemplars = task.exemplars or task.train
    if task.generation.shots and exemplars is None:
        findings.add(
            f"{path}.generation.shots", "there are no rows for worked examples", "add exemplars"
        )


def _evaluation(path: str, task: TaskSpec, findings: Findings) -> None:
    for at, metric in enumerate(task.metrics):
        findings.known(f"{path}.metrics[{at}]", metric, METRICS, "metric")
    for metric in task.metric_arguments:
        findings.known(f"{path}.metricArguments.{metric}", metric, task.metrics, "metric")
    findings.unique(f"{path}.metrics", task.metrics, "")
    tested = task.train if task.split else task.test
    if tested and not task.metrics:
        findings.add(
            f"{path}.metrics",
            f"task {task.name!r} is tested but has no metric",
            f"name at least one of {', '.join(METRICS)}",
        )
    compared = any(METRICS[m].records == "likelihood" for m in task.metrics if m in METRICS)
    mapped = tested is None or tested.columns.keys() >= {"options"} or not tested.columns
    if compared and task.likelihood.distractors == "column" and not mapped:
        findings.add(
            f"{path}.likelihood.distractors",
            "the rows have no options of their own",
            "map columns.options, or use distractors: numeric or pool",
        )
