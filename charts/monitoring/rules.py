"""The rule file: alerts as Prometheus reads them, plain ``groups:``.

Every alert has a severity (``critical``: nothing works; ``warning``: someone's work is lost or
stands still; ``info``: look at it when you read the result), a summary, a description and the
section of the runbook that says what to do.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import yaml

RUNBOOK = "docs/how-to/monitor-runs.md"
Severity = Literal["critical", "warning", "info"]


@dataclass(frozen=True)
class Alert:
    """``lasts``: for how long the condition has to hold, so that a blip is none."""

    name: str
    severity: Severity
    expression: str
    lasts: str
    summary: str
    description: str

    @property
    def section(self) -> str:
        """The runbook's section about it."""
        return f"{RUNBOOK}#{self.name.lower()}"

    def rule(self) -> dict[str, Any]:
        """One entry of a group."""
        return {
            "alert": self.name,
            "expr": self.expression,
            "for": self.lasts,
            "labels": {"severity": self.severity},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook": self.section,
            },
        }


@dataclass(frozen=True)
class Group:
    """Alerts that are evaluated together."""

    name: str
    alerts: tuple[Alert, ...]


def rule_file(groups: Iterable[Group]) -> str:
    """YAML, the same text for the same alerts."""
    made = [{"name": g.name, "rules": [a.rule() for a in g.alerts]} for g in groups]
    return HEAD + yaml.safe_dump({"groups": made}, sort_keys=False, allow_unicode=True, width=100)


HEAD = "# Made by `make dashboards` from charts/monitoring; change it there.\n"
