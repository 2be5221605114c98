"""Objectives by name. A plug-in package registers its own under ``clt.objectives``."""

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from pydantic import ValidationError

from clt_jobs.context import Context
from clt_jobs.train.objectives.base import Objective as Objective
from clt_jobs.train.objectives.base import Update as Update
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.train import Objective as ObjectiveParams

BUILT_IN = {"causal_lm": "clt_jobs.train.objectives.causal_lm"}
_registered: dict[str, type[Objective]] = {}


def objective(name: str) -> Callable[[type[Objective]], type[Objective]]:
    """Registers a subclass of Objective under the name that specs use."""

    def register(found: type[Objective]) -> type[Objective]:
        _registered[name] = found
        return found

    return register


def build_objective(params: ObjectiveParams, model: Any, context: Context) -> Objective:
    """The objective of a step around its model.

    Raises InputError for an unknown name, wrong parameters or an input that is missing.
    """
    kind = _find(params.name)
    try:
        settings = kind.Settings.model_validate(params.parameters)
    except ValidationError as error:
        raise InputError(f"objective.parameters of {params.name}: {error}") from error
    missing = [name for name in kind.inputs if not context.has_input(name)]
    if missing:
        raise InputError(f"objective {params.name} needs the inputs {', '.join(missing)}")
    return kind(model, settings, context)


def _find(name: str) -> type[Objective]:
    if name not in _registered and name in BUILT_IN:
        import_module(BUILT_IN[name])
    if name not in _registered:
        for entry in entry_points(group="clt.objectives", name=name):
            entry.load()
    if name not in _registered:
        known = ", ".join(sorted({*BUILT_IN, *_registered}))
        raise InputError(f"unknown objective {name!r}: known are {known}")
    return _registered[name]
