"""Metrics by name. A metric registers itself by decorator when its module is imported.

Plug-ins register in the same way from a module named in the entry-point group ``clt.metrics``.
"""

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from pydantic import ValidationError

from clt_jobs.metrics.records import Needs, Scored
from clt_operator.api.base import Record
from clt_operator.api.errors import InputError

BUILT_IN = ("exact_match", "numeric", "rouge", "chrf", "choice")

MetricFunction = Callable[[Sequence[Any], str, Any], Scored]


class NoArguments(Record):
    """A metric that takes none."""


@dataclass(frozen=True, slots=True)
class Metric:
    """``function(records, language, arguments)`` scores all records of one cell."""

    name: str
    version: int
    needs: Needs
    higher_is_better: bool
    arguments: type[Record]
    function: MetricFunction

    def score(
        self, records: Sequence[Any], language: str, arguments: Mapping[str, Any] | None = None
    ) -> Scored:
        """Scores in the order of the records.

        Raises InputError for arguments that the metric does not have or cannot use.
        """
        try:
            parsed = self.arguments.model_validate(dict(arguments or {}))
        except ValidationError as error:
            raise InputError(_argument_message(self, error)) from None
        return self.function(records, language, parsed)


_METRICS: dict[str, Metric] = {}


def metric(
    name: str,
    *,
    version: int,
    needs: Needs,
    higher_is_better: bool = True,
    arguments: type[Record] = NoArguments,
) -> Callable[[MetricFunction], MetricFunction]:
    """Registers a function as a metric. Raise ``version`` when any score may change."""

    def register(function: MetricFunction) -> MetricFunction:
        _METRICS[name] = Metric(name, version, needs, higher_is_better, arguments, function)
        return function

    return register


def known() -> dict[str, Metric]:
    """All metrics of this installation, by name."""
    _import_all()
    return dict(sorted(_METRICS.items()))


@cache
def _import_all() -> None:
    for module in BUILT_IN:
        import_module(f"clt_jobs.metrics.{module}")
    for entry in entry_points(group="clt.metrics"):
        entry.load()


def find(name: str) -> Metric:
    """The metric of a name.

    Raises InputError that lists the known ones, the nearest first named.
    """
    metrics = known()
    if name in metrics:
        return metrics[name]
    near = difflib.get_close_matches(name, metrics, n=1, cutoff=0.4)
    guess = f"did you mean {near[0]!r}? " if near else ""
    raise InputError(f"unknown metric {name!r}: {guess}known are {', '.join(metrics)}")


def signature(name: str, **parts: object) -> str:
    """One line that names every choice behind a score: ``name|key:value|…``."""
    return "|".join([name, *(f"{key}:{_word(value)}" for key, value in parts.items())])


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _argument_message(found: Metric, error: ValidationError) -> str:
    problems = "; ".join(
        f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}"
        for problem in error.errors()
    )
    names = ", ".join(found.arguments.model_fields) or "none"
    return f"arguments of metric {found.name}: {problems} (it takes: {names})"
