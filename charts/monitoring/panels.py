"""The kinds of panel that the dashboards are made of, each with one look.

A panel is its title, a text (what it shows, what to look for) and its queries. ``lines`` have time
to the right, ``table`` and ``number`` show the moment; ``curves.py`` has what is drawn against k.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar

from grafana_foundation_sdk.builders import common, prometheus, stat, timeseries
from grafana_foundation_sdk.builders import table as tables
from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    GraphDrawStyle,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    Panel,
    Threshold,
    ThresholdsMode,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

DATASOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
WHOLE, HALF, THIRD, QUARTER, SIXTH = 24, 12, 8, 6, 4  # of the 24 columns
LOW, HIGH = 4, 8  # rows of the grid


@dataclass(frozen=True)
class Query:
    """PromQL, and how its lines are called in the legend (``{{label}}``)."""

    expression: str
    legend: str = ""


@dataclass(frozen=True)
class Column:
    """A value of a table: PromQL of the moment, heading, unit."""

    expression: str
    title: str
    unit: str = "short"


class _Panel(Protocol):
    def title(self, title: str) -> Self: ...
    def description(self, description: str) -> Self: ...
    def datasource(self, datasource: DataSourceRef) -> Self: ...
    def span(self, w: int) -> Self: ...
    def height(self, h: int) -> Self: ...


P = TypeVar("P", bound=_Panel)


def placed(panel: P, title: str, text: str, width: int, height: int) -> P:
    """What every panel has."""
    return panel.title(title).description(text).datasource(DATASOURCE).span(width).height(height)


def lines(
    title: str,
    text: str,
    *queries: Query,
    unit: str,
    width: int = HALF,
    least: float | None = 0,
    most: float | None = None,
    stacked: bool = False,
    bars: bool = False,
) -> Builder[Panel]:
    """Values over time; ``stacked`` where their sum means something."""
    panel = placed(timeseries.Panel(), title, text, width, HIGH).unit(unit).legend(legend())
    panel.tooltip(
        common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING)
    )
    panel.show_points(VisibilityMode.AUTO).line_width(1).fill_opacity(40 if stacked else 5)
    if least is not None:
        panel.min(least)
    if most is not None:
        panel.max(most)
    if stacked:
        panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL).group("A"))
    if bars:
        panel.draw_style(GraphDrawStyle.BARS).fill_opacity(60)
    for ref, query in lettered(queries):
        panel.with_target(
            prometheus.Dataquery()
            .ref_id(ref)
            .datasource(DATASOURCE)
            .expr(query.expression)
            .legend_format(query.legend)
            .range()
        )
    return panel


def number(
    title: str,
    text: str,
    query: Query,
    *,
    unit: str,
    width: int = SIXTH,
    bad_above: float | None = None,
    bad_below: float | None = None,
) -> Builder[Panel]:
    """One number or a few, large; red where it is above or below what is good."""
    panel = placed(stat.Panel(), title, text, width, LOW).unit(unit)
    panel.color_mode(BigValueColorMode.VALUE)
    panel.thresholds(_thresholds(bad_above, bad_below))
    panel.with_target(moment("A", query.expression).legend_format(query.legend))
    return panel


def table(
    title: str,
    text: str,
    labels: Mapping[str, str],
    *columns: Column,
    width: int = HALF,
    height: int = HIGH,
) -> Builder[Panel]:
    """The moment in rows: label columns with their headings, then values. The queries agree in
    the labels of the first; a row is what has them in common."""
    panel = placed(tables.Panel(), title, text, width, height).filterable(True)
    names = {f"Value #{ref}": column.title for ref, column in lettered(columns)}
    if len(columns) == 1:
        names = {"Value": columns[0].title}
    for ref, column in lettered(columns):
        panel.with_target(moment(ref, column.expression).format(PromQueryFormat.TABLE))
        panel.override_by_name(column.title, [DynamicConfigValue("unit", column.unit)])
    if len(columns) > 1:
        panel.with_transformation(transformation("merge"))
    order = {name: place for place, name in enumerate([*labels, *names])}
    panel.with_transformation(
        transformation(
            "organize",
            excludeByName={"Time": True},
            indexByName=order,
            renameByName={**labels, **names},
        )
    )
    return panel


def moment(ref: str, expression: str) -> prometheus.Dataquery:
    """A query of the moment at the end of the time range."""
    query = prometheus.Dataquery().ref_id(ref).datasource(DATASOURCE)
    return query.expr(expression).instant()


def transformation(name: str, **options: Any) -> DataTransformerConfig:
    """One of Grafana's transformations by its id."""
    return DataTransformerConfig(id_val=name, options=options)


def legend() -> common.VizLegendOptions:
    """A list below, which long names need."""
    options = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST)
    return options.placement(LegendPlacement.BOTTOM).show_legend(True)


T = TypeVar("T")


def lettered(items: Sequence[T]) -> Iterator[tuple[str, T]]:
    """A, B, C, ... as Grafana calls queries."""
    return ((chr(ord("A") + place), item) for place, item in enumerate(items))


def _thresholds(above: float | None, below: float | None) -> ThresholdsConfig:
    steps = [Threshold(value=None, color="red" if below is not None else "green")]
    if below is not None:
        steps.append(Threshold(value=below, color="green"))
    if above is not None:
        steps.append(Threshold(value=above, color="red"))
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)
