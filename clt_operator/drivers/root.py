"""The root of an experiment: what keeps its artifacts from collection, and what users forgave."""

from collections.abc import Collection, Mapping
from typing import Any

from clt_operator.api.step import Graph

PARTIAL = ("report", "partial")  # of a report that leaves out what failed


def renewed(before: Mapping[str, Any], graph: Graph, kept: Collection[str]) -> dict[str, Any]:
    """The root of a plan. Of the root before it, the fields of ``kept`` stay, and where the plan
    is the same, its partial report."""
    root: dict[str, Any] = {"targets": list(graph.targets), "keys": sorted(graph.steps)}
    same = all(before.get(field) == value for field, value in root.items())
    stays = (*kept, *PARTIAL) if same else tuple(kept)
    return root | {field: before[field] for field in stays if field in before}


def partial_report(partial: Graph, whole: Graph) -> dict[str, Any]:
    """What a root says of a report in part: its key, and the keys that the plan does not have."""
    new = sorted(set(partial.steps) - set(whole.steps))
    return {"report": partial.targets[0], "partial": new}
