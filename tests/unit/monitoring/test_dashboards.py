"""The dashboards as Grafana gets them: nothing named that differs between installations."""

import json
import re

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from support.dashboards import NAMES, Query, dashboard, panels, queries

BUILT_IN = {"__rate_interval", "__range"}
PANELS = [(name, panel) for name in NAMES for panel in panels(name)]
PANEL_NAMES = [f"{name}-{panel['title']}" for name, panel in PANELS]
each_panel = pytest.mark.parametrize(("name", "panel"), PANELS, ids=PANEL_NAMES)


def variables(name):
    return {v["name"]: v for v in dashboard(name)["templating"]["list"]}


@pytest.mark.parametrize("name", NAMES)
def test_grafanas_own_types_read_it_without_a_loss(name):
    register_default_plugins()
    read = Dashboard.from_json(dashboard(name))
    assert json.loads(json.dumps(read, cls=JSONEncoder)) == dashboard(name)


@pytest.mark.parametrize("name", NAMES)
def test_data_source_and_namespace_are_variables_and_the_uid_is_fixed(name):
    assert variables(name)["datasource"]["type"] == "datasource"
    assert "namespace" in variables(name)
    assert dashboard(name)["uid"] == f"clt-{name}"


@pytest.mark.parametrize("name", NAMES)
def test_no_query_names_anything_but_variables(name):
    text = json.dumps(dashboard(name))
    uids = set(re.findall(r'"uid": "([^"]*)"', text))
    assert uids <= {"${datasource}", f"clt-{name}"}
    for label in ("namespace", "experiment", "model", "mix", "k", "seed", "sweep", "task"):
        named = re.findall(rf'\b{label}=~?\\"([^"\\]*)\\"', text)
        assert all(value.startswith("$") for value in named), (label, named)


@pytest.mark.parametrize("query", list(queries()), ids=str)
def test_every_variable_of_a_query_is_declared(query: Query):
    used = set(re.findall(r"\$\{?(\w+)", query.expression))
    assert used <= set(variables(query.dashboard)) | BUILT_IN


@each_panel
def test_a_panel_says_what_it_shows_and_has_a_unit(name, panel):
    assert len(panel["description"]) > 15
    config = panel["fieldConfig"]
    units = [config["defaults"].get("unit")] + [
        item["value"]
        for override in config["overrides"]
        for item in override["properties"]
        if item["id"] == "unit"
    ]
    assert any(units)


@pytest.mark.parametrize("query", [q for q in queries() if not q.instant], ids=str)
def test_a_line_has_a_name(query: Query):
    assert query.legend


@pytest.mark.parametrize("name", NAMES)
def test_panels_do_not_lie_on_each_other(name):
    taken = set()
    for panel in dashboard(name)["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("name", NAMES)
def test_panels_of_a_dashboard_have_titles_and_numbers_of_their_own(name):
    everything = dashboard(name)["panels"]
    assert len({panel["title"] for panel in everything}) == len(everything)
    assert len({panel["id"] for panel in everything}) == len(everything)


def test_a_chart_against_k_tells_grafana_which_options_it_has():
    """Without the version Grafana migrates the options as those of an older chart."""
    charts = [panel for _, panel in PANELS if panel["type"] == "xychart"]
    assert charts
    assert all(panel["pluginVersion"] == "11.6.0" for panel in charts)
