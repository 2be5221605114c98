"""Templates: braces that close, and fields that the rows of the source will have."""

import re
from collections.abc import Iterator, Sequence

from clt_operator.api.spec.task import DataSpec, TaskSpec, TemplateSpec
from clt_operator.plan.check.findings import Findings

# As ``clt_jobs`` reads templates: doubled braces are text, a bar begins transforms.
_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
MADE = ("id", "item", "language")  # by fetch, whatever is mapped


def fields_of_template(text: str) -> Iterator[str | None]:
    """The fields that a template names; None for a brace that stands alone."""
    for token in _TOKEN.finditer(text):
        if token.group(1) is not None:
            yield token.group(1).partition("|")[0].strip()
        elif token.group() in ("{", "}"):
            yield None


def check_templates(path: str, task: TaskSpec, findings: Findings) -> None:
    """What is wrong with a template stops a study only after its data were fetched: say it
    now. Fields of generators belong to their plug-ins and are not checked."""
    for role in ("train", "test", "exemplars"):
        data: DataSpec | None = getattr(task, role)
        for name, text in data.columns.items() if data else ():
            _closed(f"{path}.{role}.columns.{name}", text, findings)
    templates = [(f"{path}.template", task.template)]
    templates += [(f"{path}.templates.{code}", t) for code, t in task.templates.items()]
    for where, template in templates:
        for field, sources in _read(task, template):
            _fields(f"{where}.{field}", getattr(template, field), sources, findings)
    _fields(f"{path}.likelihood.continuation", task.likelihood.continuation, (), findings)


def _read(task: TaskSpec, template: TemplateSpec) -> Iterator[tuple[str, Sequence[DataSpec]]]:
    """Fields of a template, and the sources whose rows they are filled from."""
    shots = (task.exemplars or task.train) if task.generation.shots else None
    trained, asked = task.train, task.test
    yield "prompt", [data for data in (trained, asked, shots) if data]
    yield "response", [data for data in (trained, None if template.shot else shots) if data]
    yield "shot", [shots] if shots else []


def _fields(path: str, text: str, sources: Sequence[DataSpec], findings: Findings) -> None:
    if not _closed(path, text, findings):
        return
    for data in sources:
        for name in dict.fromkeys(fields_of_template(text)):
            if name and data.columns and name not in MADE and name not in data.columns:
                there = [*data.columns, *MADE]
                findings.known(path, name, there, f"field of {data.source}")


def _closed(path: str, text: str, findings: Findings) -> bool:
    """Whether every brace has its partner, with a name inside."""
    names = list(fields_of_template(text))
    if None in names:
        findings.add(path, f"a brace stands alone in {text!r}", "write {{ or }} for a plain brace")
    if "" in names:
        findings.add(path, f"{{}} names no field in {text!r}")
    return None not in names and "" not in names
