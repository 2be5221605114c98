"""Axes: paths that exist, values that fit, and a spec that still makes sense with each of them."""

from collections.abc import Callable

from clt_operator.api.spec.experiment import ExperimentSpec
from clt_operator.api.spec.sweep import SweepSpec
from clt_operator.plan.axes import AxisError, apply_axes, text_of
from clt_operator.plan.check.findings import Findings

Rule = Callable[[str, SweepSpec, ExperimentSpec, Findings], None]


def check_axes(
    path: str, sweep: SweepSpec, spec: ExperimentSpec, rule: Rule, findings: Findings
) -> None:
    """Each value is tried on its own. ``rule`` checks the changed spec; since the spec itself
    has passed it, what it finds is the value's fault."""
    for axis, values in sweep.axes.items():
        where = f"{path}.axes.{axis}"
        if not values:
            findings.add(where, "the axis has no values", "list at least one")
        findings.unique(where, [text_of(value) for value in values], "")
        for value in values:
            shown = text_of(value)
            try:
                changed, own = apply_axes(spec, sweep, {axis: value})
            except AxisError as error:
                findings.add(where, f"{shown}: {error}")
                continue
            found = Findings()
            rule(path, own, changed, found)
            for problem in found.problems:
                findings.add(where, f"{shown}: {problem.path}: {problem.message}", problem.hint)
