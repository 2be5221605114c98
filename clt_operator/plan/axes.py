"""Axes: values set at a path of the spec, such as ``train.learningRate``.

A path walks the spec as the user writes it (camelCase); elements of a list are addressed by
their name: ``tasks.MR.generation.temperature``. ``sweep.`` addresses the sweep itself. Only
the section that the path enters is validated again, so that 10,000 points stay cheap.
"""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from clt_operator.api.errors import Problem
from clt_operator.api.spec.experiment import ExperimentSpec
from clt_operator.api.spec.sweep import SweepSpec

SECTIONS = ("train", "models", "tasks", "stages", "seedPolicy", "sweep")
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
            raise AxisError(
                f"axis {path!r}: a path starts with one of {', '.join(SECTIONS)} and names a field"
            )
        if section == "sweep":
            sweep = _set(sweep, rest, value, path)
        else:
            field = _FIELD.get(section, section)
            spec = spec.model_copy(update={field: _set(getattr(spec, field), rest, value, path)})
    return spec, sweep


def _set(node: Any, rest: list[str], value: Any, path: str) -> Any:
    if isinstance(node, list):
        return _set_in_list(node, rest, value, path)
    data = node.model_dump(mode="json", by_alias=True)
    _put(data, rest, value, path)
    try:
        return type(node).model_validate(data)
    except ValidationError as error:
        raise AxisError(f"axis {path!r}: {value!r}: {error.errors()[0]['msg']}") from None


def _set_in_list(items: list[Any], rest: list[str], value: Any, path: str) -> list[Any]:
    name, *inner = rest
    names = [item.name for item in items]
    if name not in names or not inner:
        raise AxisError(f"axis {path!r}: {name!r} is none of {', '.join(names)}, with a field")
    at = names.index(name)
    return [*items[:at], _set(items[at], inner, value, path), *items[at + 1 :]]


def _put(data: dict[str, Any], rest: list[str], value: Any, path: str) -> None:
    *parents, last = rest
    for parent in parents:
        child = data.get(parent)
        if not isinstance(child, dict):
            raise AxisError(f"axis {path!r}: there is no field {parent!r}")
        data = child
    if last not in data:
        raise AxisError(f"axis {path!r}: there is no field {last!r}; known: {', '.join(data)}")
    data[last] = value


def check_axes(spec: ExperimentSpec, sweep: SweepSpec, path: str) -> list[Problem]:
    """Problems of a sweep's axes, each value tried on its own."""
    problems = []
    for axis, values in sweep.axes.items():
        where = f"{path}.axes.{axis}"
        if not values:
            problems.append(Problem(where, "the axis has no values", "list at least one"))
        for value in values:
            try:
                apply_axes(spec, sweep, {axis: value})
            except AxisError as error:
                problems.append(Problem(where, str(error).removeprefix(f"axis {axis!r}: ")))
    return problems
