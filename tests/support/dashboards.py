"""The checked-in dashboards as tests read them: panels, and queries with their place."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHART = Path(__file__).parents[2] / "charts" / "clt"
NAMES = ("fleet", "run", "transfer")
VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)\}")


@dataclass(frozen=True)
class Query:
    """One query of one panel."""

    dashboard: str
    panel: str
    ref: str
    expression: str
    legend: str
    instant: bool

    def __str__(self) -> str:
        return f"{self.dashboard} / {self.panel} / {self.ref}"


def dashboard(name: str) -> dict[str, Any]:
    """The JSON of one."""
    read: dict[str, Any] = json.loads((CHART / "dashboards" / f"{name}.json").read_text("utf-8"))
    return read


def panels(name: str) -> list[dict[str, Any]]:
    """Those that show something: rows are left out."""
    return [panel for panel in dashboard(name)["panels"] if panel["type"] != "row"]


def queries() -> Iterator[Query]:
    """Every query of every panel."""
    for name in NAMES:
        for panel in panels(name):
            for target in panel["targets"]:
                yield Query(
                    name,
                    panel["title"],
                    target["refId"],
                    target["expr"],
                    target.get("legendFormat", ""),
                    bool(target.get("instant")),
                )


def filled(expression: str, values: Mapping[str, str]) -> str:
    """The expression with Grafana's variables replaced; each must have a value."""
    return VARIABLE.sub(lambda found: values[found[1] or found[2]], expression)
