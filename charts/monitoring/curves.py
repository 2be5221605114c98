"""Panels against k, the number of samples per language.

Prometheus has k as a label and Grafana draws labels on no axis. So the queries keep two labels, k
and ``line`` (made of what tells lines apart); Grafana makes k a number, sorts by it, and splits
the rows into a line for each value of ``line``.
"""

from grafana_foundation_sdk.builders import common, xychart
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models.common import TooltipDisplayMode
from grafana_foundation_sdk.models.dashboard import DynamicConfigValue, Panel
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.xychart import SeriesMapping, XYShowMode

from charts.monitoring.panels import HALF, legend, moment, placed, transformation

TALL = 10
BETWEEN = " · "
PLUGIN = "11.6.0"  # without it Grafana takes the options for those of an older chart
K_AXIS = [
    DynamicConfigValue("unit", "short"),
    DynamicConfigValue("custom.axisLabel", "samples per language (k)"),
]


def by_k(expression: str, *told_by: str) -> str:
    """A series with the labels k and ``line`` alone."""
    names = ", ".join(f'"{label}"' for label in told_by)
    return f'max by (k, line) (label_join({expression}, "line", "{BETWEEN}", {names}))'


def curves(
    title: str, text: str, expression: str, *, unit: str, label: str, width: int = HALF
) -> Builder[Panel]:
    """``expression`` as ``by_k`` makes it; ``label`` of the vertical axis."""
    panel = placed(_Chart(), title, text, width, TALL).unit(unit).axis_label(label)
    panel.legend(legend()).tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.SINGLE))
    panel.show(XYShowMode.POINTS_AND_LINES).line_width(1)
    panel.mapping(SeriesMapping.AUTO).series([_k_and_value()])
    panel.override_by_name("k", K_AXIS)
    panel.with_target(moment("A", expression).format(PromQueryFormat.TABLE))
    return panel.transformations(
        [
            transformation(
                "convertFieldType",
                conversions=[{"targetField": "k", "destinationType": "number"}],
                fields={},
            ),
            transformation("sortBy", fields={}, sort=[{"field": "k"}]),
            transformation(
                "partitionByValues", fields=["line"], keepFields=False, naming={"asLabels": True}
            ),
        ]
    )


class _Chart(xychart.Panel):
    def build(self) -> Panel:
        panel = super().build()
        panel.plugin_version = PLUGIN
        return panel


def _k_and_value() -> xychart.XYSeriesConfig:
    def named(name: str) -> xychart.MatcherConfig:
        return xychart.MatcherConfig().id("byName").options(name)

    x = xychart.XychartXYSeriesConfigX().matcher(named("k"))
    y = xychart.XychartXYSeriesConfigY().matcher(named("Value"))
    return xychart.XYSeriesConfig().x(x).y(y)
