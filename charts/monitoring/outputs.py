"""What is generated, by its path inside the chart."""

from charts.monitoring.alerts import GROUPS
from charts.monitoring.fleet import fleet
from charts.monitoring.rules import rule_file
from charts.monitoring.run import run
from charts.monitoring.transfer import transfer


def outputs() -> dict[str, str]:
    """Text by path; the same text whenever it is made."""
    return {
        "dashboards/fleet.json": fleet(),
        "dashboards/run.json": run(),
        "dashboards/transfer.json": transfer(),
        "rules/clt.yaml": rule_file(GROUPS),
    }
