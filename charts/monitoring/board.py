"""A dashboard: its variables, its rows of panels, and the JSON that is checked in.

No data source, namespace or experiment is named anywhere: they are variables. The uid is fixed, so
that links and a second import meet the same dashboard.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import TimeZoneBrowser
from grafana_foundation_sdk.models.dashboard import (
    Dashboard,
    DashboardLinkType,
    Panel,
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from charts.monitoring.panels import DATASOURCE
from clt_operator.api.telemetry import Series

TAG = "clt"
ALL = VariableOption(text="All", value="$__all", selected=True)
NAMESPACE = 'namespace=~"$namespace"'
EXPERIMENT = f'{NAMESPACE}, experiment=~"$experiment"'


@dataclass(frozen=True)
class Row:
    """Panels under one heading."""

    title: str
    panels: Sequence[Builder[Panel]]


def board(
    uid: str,
    title: str,
    text: str,
    *,
    variables: Sequence[Builder[VariableModel]],
    rows: Sequence[Row],
    since: str,
) -> str:
    """The JSON of a dashboard, the same text for the same panels; ``since`` as ``now-6h``."""
    made = builders.Dashboard(title).uid(uid).description(text).tags([TAG]).time(since, "now")
    made.refresh("1m").timezone(TimeZoneBrowser).variables([_datasource(), *variables])
    made.links([_siblings()])
    for row in rows:
        made.with_row(builders.Row(row.title))
        for panel in row.panels:
            made.with_panel(panel)
    return _text(made.build())


def within(scope: str, labels: Sequence[str], *, one: bool = False) -> str:
    """``scope`` and what is chosen of these labels; ``one``: of each a single value, which Grafana
    does not escape as a pattern."""
    asks = "=" if one else "=~"
    return ", ".join([scope, *(f'{label}{asks}"${label}"' for label in labels)])


def choice(
    name: str,
    series: Series,
    scope: str,
    *,
    label: str = "",
    everything: bool = True,
    text: str = "",
    sort: VariableSort = VariableSort.NATURAL_ASC,
) -> Builder[VariableModel]:
    """A variable of the values that label ``name`` has; ``everything``: several or all."""
    selector = f"{series.name}{{{scope}}}" if scope else series.name
    made = builders.QueryVariable(name).label(label or name.capitalize()).description(text)
    made.datasource(DATASOURCE).query(f"label_values({selector}, {name})")
    made.refresh(VariableRefresh.ON_TIME_RANGE_CHANGED).sort(sort)
    if everything:
        made.multi(True).include_all(True).all_value(".*").current(ALL)
    return made


def _datasource() -> Builder[VariableModel]:
    return builders.DatasourceVariable("datasource").label("Data source").type("prometheus")


def _siblings() -> builders.DashboardLink:
    link = builders.DashboardLink("Other dashboards").type(DashboardLinkType.DASHBOARDS).tags([TAG])
    return link.keep_time(True).include_vars(True).as_dropdown(False)


def _text(made: Dashboard) -> str:
    for number, panel in enumerate(made.panels or [], 1):
        panel.id_val = number
    return json.dumps(made, cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
