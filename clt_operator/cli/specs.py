"""Reading a spec from the command line: text, variables, all checks, and its lock."""

import gc
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clt_operator.api.errors import Problem, SpecError
from clt_operator.cli.options import DEFAULT_NAMESPACE
from clt_operator.cli.place import UsageError

if TYPE_CHECKING:
    from clt_operator.api.load import LoadedSpec
    from clt_operator.api.lock import Lock
    from clt_operator.plan.build import Plan


@dataclass(frozen=True)
class Study:
    """A checked spec with its lock and plan."""

    loaded: "LoadedSpec"
    lock: "Lock"
    plan: "Plan"


def read_spec(
    positional: str | None, filename: str | None, variables: list[str] | None
) -> tuple["LoadedSpec", Path]:
    """The checked spec, and the directory where its relative paths start.

    Raises SpecError with every problem, UsageError where there is no spec to read.
    """
    from clt_operator.api.load import load_experiment, locate, read_text
    from clt_operator.plan.check import check

    if (positional is None) == (filename is None):
        raise UsageError("name one spec file: SPEC or -f SPEC; - reads standard input")
    source = positional or filename or ""
    given = parse_variables(variables)
    if source == "-":
        loaded = load_experiment(read_text(sys.stdin.buffer, "-"), "-", given)
        base = Path.cwd()
    else:
        path = Path(source)
        try:
            with path.open("rb") as stream:
                text = read_text(stream, source)
        except OSError as error:
            raise SpecError([Problem("", f"cannot read {source}: {error.strerror}")]) from None
        loaded = load_experiment(text, source, given)
        base = path.resolve().parent
    problems = check(loaded.experiment.spec)
    if problems:
        raise SpecError(locate(problems, loaded))
    return loaded, base


def namespace_of(
    loaded: "LoadedSpec", given: str | None, default: Callable[[], str] = lambda: DEFAULT_NAMESPACE
) -> str:
    """The namespace of a spec, or for a spec that names none the one given, else the default.

    Raises UsageError where the two differ.
    """
    metadata = loaded.experiment.metadata
    if "namespace" not in metadata.model_fields_set:
        return given or default()
    if given and given != metadata.namespace:
        raise UsageError(f"--namespace {given}: the spec is in namespace {metadata.namespace}")
    return metadata.namespace


def parse_variables(given: list[str] | None) -> Mapping[str, str]:
    """``NAME=VALUE`` pairs. Raises UsageError for one without ``=``."""
    variables = {}
    for pair in given or []:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UsageError(f"--var {pair!r}: write NAME=VALUE")
        variables[name] = value
    return variables


def study(loaded: "LoadedSpec", base: Path, previous: "Lock | None", *, offline: bool) -> Study:
    """Resolve and plan a checked spec. Offline, what is not at hand stays unpinned.

    Raises SpecError with the places of everything that could not be found or does not suffice.
    """
    from clt_operator.api.load import locate
    from clt_operator.plan.build import plan
    from clt_operator.plan.counts import check_counts
    from clt_operator.resolve import Lookups, resolve
    from clt_operator.resolve.hub import Hub

    lookups = Lookups(base, None if offline else Hub(), offline, loaded.variables)
    try:
        lock = resolve(loaded.experiment, lookups, previous)
    except SpecError as error:
        raise SpecError(locate(error.problems, loaded)) from None
    with uncollected():
        problems = check_counts(loaded.experiment.spec, lock)
        if problems:
            raise SpecError(locate(problems, loaded))
        return Study(loaded, lock, plan(loaded.experiment.spec, lock))


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the cycle collector: a plan is millions of small objects and no cycle, and to walk
    them again and again takes a third of the time."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
