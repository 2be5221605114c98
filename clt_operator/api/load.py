"""From the text of a spec to a typed Experiment, or to every problem in it at once.

A problem names file, line and the field as the user wrote it. Nothing outside the arguments is
read: variables come from the caller, never from the environment.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import BinaryIO

from pydantic import ValidationError

from clt_operator.api.errors import Problem, SpecError
from clt_operator.api.spec import API_VERSION, KIND, Experiment
from clt_operator.api.spec_problems import problems_of, shown
from clt_operator.api.variables import Variables
from clt_operator.api.yaml import MAX_BYTES, Document, Locations, read_yaml, too_large


@dataclass(frozen=True)
class LoadedSpec:
    """An experiment, where its fields are, and the variables that it used."""

    experiment: Experiment
    locations: Locations
    variables: Mapping[str, str]
    file: str
    text: str = ""


def read_text(stream: BinaryIO, file: str) -> str:
    """The text of a spec, no more of it read than a spec may have.

    Raises SpecError where it is too large or not UTF-8.
    """
    data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise SpecError([too_large(file)])
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = Problem("", "not valid UTF-8", "save the file as UTF-8", file, line)
        raise SpecError([problem]) from None


def load_experiment(
    text: str, file: str = "", variables: Mapping[str, str] | None = None
) -> LoadedSpec:
    """The experiment that a spec's text describes.

    Raises SpecError with every problem that the types can see; what needs two fields to be
    seen is checked by ``clt_operator.plan``.
    """
    given = Variables(variables or {})
    document = read_yaml(text, file, given.substitute)
    _check_head(document, file)
    try:
        experiment = Experiment.model_validate(
            document.data, strict=True, by_alias=True, by_name=False
        )
    except ValidationError as error:
        problems = problems_of(error, Experiment)
        raise SpecError(_placed(problems, document.locations, file)) from None
    return LoadedSpec(experiment, document.locations, given.used, file, text)


def locate(problems: Iterable[Problem], loaded: LoadedSpec) -> list[Problem]:
    """The same problems with the file and the line of their fields."""
    return _placed(problems, loaded.locations, loaded.file)


def _placed(problems: Iterable[Problem], locations: Locations, file: str) -> list[Problem]:
    return [
        problem
        if problem.line
        else replace(problem, file=problem.file or file, line=locations.line_of(problem.path))
        for problem in problems
    ]


def _check_head(document: Document, file: str) -> None:
    """Refuses what is no experiment at all, where other messages would only mislead."""
    data = document.data
    start = f"start it with 'apiVersion: {API_VERSION}' and 'kind: {KIND}'"
    problems = []
    if data is None:
        problems = [Problem("", "the file is empty", start)]
    elif not isinstance(data, dict):
        problems = [Problem("", f"a spec is a mapping, this file holds {shown(data)}", start)]
    else:
        if data.get("apiVersion", API_VERSION) != API_VERSION:
            message = f"is {shown(data['apiVersion'])}, this release reads {API_VERSION}"
            problems.append(Problem("apiVersion", message, f"write {API_VERSION}"))
        if data.get("kind", KIND) != KIND:
            message = f"is {shown(data['kind'])}, this release reads {KIND}"
            problems.append(Problem("kind", message, f"write {KIND}"))
    if problems:
        raise SpecError(_placed(problems, document.locations, file))
