"""A report without the cells that failed: the same study, with the reasons in their place."""

from collections.abc import Mapping

from clt_operator.api.lock import Lock
from clt_operator.api.step import Graph
from clt_operator.plan.build import Plan, finish
from clt_operator.plan.builder import Builder


def partial_graph(plan: Plan, lock: Lock, failed: Mapping[str, str]) -> Graph:
    """The graph whose report lists what depends on failed steps as missing.

    ``failed``: key of a failed step → its message.
    """
    reasons = dict(failed)
    builder = Builder(plan.spec, lock)
    for step in plan.graph:  # topological: a reason reaches everything downstream in one pass
        if step.kind in ("collect", "report"):
            continue
        cause = next((reasons[i.key] for i in step.inputs if i.key in reasons), None)
        if cause is not None:
            reasons.setdefault(step.key, cause)
        builder.steps[step.key] = step
    return finish(builder, plan.report, plan.cells, reasons)
