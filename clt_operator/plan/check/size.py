"""How many runs a spec multiplies to, found by multiplying: nothing is expanded to be counted.

A grid of a billion points must cost milliseconds to refuse. Where filters may leave few of many
points, these are counted one by one (4 µs each), up to SEARCHED.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from math import prod

from clt_operator.api.errors import Problem
from clt_operator.api.spec.experiment import ExperimentSpec
from clt_operator.api.spec.sweep import Counts, SweepSpec
from clt_operator.plan.axes import AxisError, apply_axes, combinations
from clt_operator.plan.sweeps import default_models, default_tasks, points_of

SEARCHED = 1_000_000  # points of grids that filters may make small enough
SMALLER = "make the grid smaller, or ask the platform team to raise limits.steps in the profiles"


def check_size(spec: ExperimentSpec, limit: int, hint: str = SMALLER) -> list[Problem]:
    """The problem that the sweeps have more runs than ``limit``: each is at least one step."""
    grids = [_grid(spec, sweep, limit) for sweep in spec.sweeps]
    if sum(grids) <= limit:
        return []
    filtered = [sweep for sweep in spec.sweeps if sweep.include or sweep.exclude]
    if filtered and sum(grids) <= SEARCHED:
        whole = zip(spec.sweeps, grids, strict=True)
        left = limit - sum(grid for sweep, grid in whole if sweep not in filtered)
        if left >= 0 and sum(1 for _ in islice(_kept(spec, filtered), left + 1)) <= left:
            return []
    worst = max(range(len(grids)), key=grids.__getitem__)
    return [
        Problem(
            f"spec.sweeps[{worst}]",
            f"the sweeps multiply to {sum(grids):,} runs, more than the {limit:,} steps that are "
            "allowed",
            hint,
        )
    ]


def _kept(spec: ExperimentSpec, sweeps: Iterable[SweepSpec]) -> Iterator[object]:
    for sweep in sweeps:
        try:
            yield from points_of(spec, sweep)
        except (AxisError, KeyError):  # told by the checks that come after
            continue


def _grid(spec: ExperimentSpec, sweep: SweepSpec, limit: int) -> int:
    """Points of a sweep before its filters."""
    own = {path: values for path, values in sweep.axes.items() if path.startswith("sweep.")}
    others = prod(len(values) for path, values in sweep.axes.items() if path not in own)
    ways = prod(len(values) for values in own.values())
    if not own or ways > limit:
        return others * ways * _points(spec, sweep)
    total = 0
    for coordinates in combinations(sweep.model_copy(update={"axes": own})):
        try:
            changed = apply_axes(spec, sweep, coordinates)[1]
        except AxisError:
            changed = sweep
        total += _points(spec, changed)
    return others * total


def _points(spec: ExperimentSpec, sweep: SweepSpec) -> int:
    """Points of one combination of axes."""
    tasks = 1 if sweep.task_mode == "joint" else len(sweep.tasks or default_tasks(spec))
    return (
        len(sweep.models or default_models(spec))
        * tasks
        * len(sweep.mixes or spec.languages.mixes)
        * _columns(sweep.samples_per_language, len(sweep.controls))
        * len(sweep.seeds or spec.seeds)
    )


def _columns(counts: Counts, controls: int) -> int:
    """Values of k, each above 0 once more for every control."""
    span = counts.range
    within = range(span.start, span.to + 1, span.step) if span else range(0)
    values = {k for k in counts.values if k not in within}
    ks, zero = len(within) + len(values), 0 in within or 0 in values
    return ks + (ks - zero) * controls
