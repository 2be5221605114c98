"""Step implementations by kind. Imported when a step of the kind runs, never before."""

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from clt_jobs.context import Context

StepFunction = Callable[[Any, Context], None]

IMPLEMENTATIONS: dict[str, str] = {
    "fetch": "clt_jobs.fetch.step:fetch",
    "derive": "clt_jobs.derive.step:derive",
    "prepare": "clt_jobs.prepare.step:prepare",
    "train": "clt_jobs.train.step:train",
    "generate": "clt_jobs.generate.step:generate",
    "likelihood": "clt_jobs.likelihood.step:likelihood",
    "score": "clt_jobs.score.step:score",
    "collect": "clt_jobs.collect.step:collect",
    "report": "clt_jobs.report.step:report",
}


def implementation(kind: str) -> StepFunction:
    """The function of a kind; plug-ins come from the entry-point group ``clt.step_kinds``.

    Raises KeyError where nothing implements the kind.
    """
    target = IMPLEMENTATIONS.get(kind)
    if target is None:
        for entry in entry_points(group="clt.step_kinds", name=kind):
            function: StepFunction = entry.load()
            return function
        raise KeyError(kind)
    module, _, name = target.partition(":")
    found: StepFunction = getattr(import_module(module), name)
    return found
