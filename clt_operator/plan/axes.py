"""Axes: values set at a path of the spec, such as ``train.learningRate``.

A path walks the spec as the user writes it (camelCase); elements of a list are addressed by
their name: ``tasks.MR.generation.temperature``. ``sweep.`` addresses the sweep itself. Only
the section that the path enters is validated again, as strictly as when it was loaded, so that
10,000 points stay cheap.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from clt_operator.api.keys import canonical
from clt_operator.api.spec.experiment import ExperimentSpec
from clt_operator.api.spec.sweep import SweepSpec
from clt_operator.api.spec_problems import fields_of, nearest_or_all, problems_of

SECTIONS = ("train", "models", "tasks", "stages", "seedPolicy", "sweep")
# What gives a part its identity, or decides which points there are, is no value of a point.
_FIXED = frozenset({"name", "axes", "include", "exclude"})
_FIELD = {"seedPolicy": "seed_policy"}


class AxisError(ValueError):
    """An axis names no field, or a value does not fit; the message says which."""


def combinations(sweep: SweepSpec) -> Iterator[dict[str, Any]]:
    """Every combination of the sweep's axes, the first axis slowest; one empty without axes."""
    paths = list(sweep.axes)
    for values in itertools.product(*(sweep.axes[path] for path in paths)):
        yield dict(zip(paths, values, strict=True))


def apply_axes(
    spec: ExperimentSpec, sweep: SweepSpec, coordinates: Mapping[str, Any]
) -> tuple[ExperimentSpec, SweepSpec]:
    """The spec and the sweep with the values set.

    Raises AxisError where a path does not exist or a value is refused by the type.
    """
    for path, value in coordinates.items():
        section, *rest = path.split(".")
        if section not in SECTIONS or not rest:
            raise AxisError(f"a path starts with one of {', '.join(SECTIONS)} and names a field")
        if section == "sweep":
            sweep = _set(sweep, rest, value)
        else:
            field = _FIELD.get(section, section)
            spec = spec.model_copy(update={field: _set(getattr(spec, field), rest, value)})
    return spec, sweep


def text_of(value: Any) -> str:
    """A value as reports show it and filters compare it: text as it is, all else as JSON."""
    return value if isinstance(value, str) else canonical(value)


def _set(node: Any, rest: Sequence[str], value: Any) -> Any:
    """A copy of a model, or of a list of named models, with a value set inside it."""
    name, *inner = rest
    if isinstance(node, list):
        names = [item.name for item in node]
        if name not in names or not inner:
            listed = ", ".join(names) or "(there is nothing)"
            raise AxisError(f"{name!r} is none of {listed}, with a field after it")
        at = names.index(name)
        return [*node[:at], _set(node[at], inner, value), *node[at + 1 :]]
    data = node.model_dump(mode="json", by_alias=True)
    _put(data, node, rest, value)
    try:
        return type(node).model_validate(data, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        problem = problems_of(error, type(node))[0]
        hint = f" ({problem.hint})" if problem.hint else ""
        raise AxisError(f"{problem.path} {problem.message}{hint}") from None


def _put(data: dict[str, Any], node: Any, rest: Sequence[str], value: Any) -> None:
    """Sets a value in the plain data of a model or mapping; parameters of plug-ins are free."""
    name, *inner = rest
    child = None
    if isinstance(node, BaseModel):
        fields = fields_of(type(node))
        if name not in fields:
            hint = nearest_or_all(name, fields)
            raise AxisError(f"there is no field {name!r}" + (f" ({hint})" if hint else ""))
        if name in _FIXED and "name" in fields:
            raise AxisError(f"{name!r} cannot be an axis")
        child = next(v for key, v in node if (fields[name] is type(node).model_fields[key]))
    elif isinstance(node, dict):
        child = node.get(name)
    if not inner:
        data[name] = value
    elif isinstance(child, BaseModel | dict):
        _put(data[name], child, inner, value)
    else:
        raise AxisError(f"{name!r} holds no field {inner[0]!r} here")
