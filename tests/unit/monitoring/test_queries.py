"""Dashboards and alerts ask only for series that exist, by labels that these have."""

import re

import pytest
import yaml
from support.dashboards import CHART, Query, queries
from support.promql import grouped, kept, matched

from clt_operator.api.telemetry import SERIES, Series

SCRAPED = {"namespace", "pod"}  # what a scrape adds to every series
OF_PODS = {"experiment", "kind"}  # and to those of Jobs' pods, from their labels
EXPOSED = {name: series for series in SERIES for name in series.exposed}
QUERIES = list(queries())
RULES = [
    (rule["alert"], rule["expr"])
    for group in yaml.safe_load((CHART / "rules" / "clt.yaml").read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
EXPRESSIONS = [(str(q), q.expression) for q in QUERIES] + RULES


def labels_of(series: Series, name: str) -> set[str]:
    own = {*series.labels, *SCRAPED}
    if series.where == "job":
        own |= OF_PODS
    return own | {"le"} if name.endswith("_bucket") else own


@pytest.mark.parametrize(("place", "expression"), EXPRESSIONS, ids=[e[0] for e in EXPRESSIONS])
def test_every_series_and_label_of_a_query_exists(place, expression):
    used = list(matched(expression))
    assert used, f"{place} asks for nothing of ours"
    for one in used:
        assert one.name in EXPOSED, f"{place}: {one.name} is not in telemetry.SERIES"
        assert one.labels <= labels_of(EXPOSED[one.name], one.name), one
    for names, inside in grouped(expression):
        there = set().union(*(labels_of(EXPOSED[name], name) for name in inside))
        assert names <= there, f"{place}: {sorted(names - there)} is on none of {sorted(inside)}"


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_a_legend_shows_labels_that_the_query_keeps(query: Query):
    shown = set(re.findall(r"\{\{\s*(\w+)\s*\}\}", query.legend))
    assert shown <= kept(query.expression)


def test_every_series_is_shown_somewhere():
    names = {used.name for _, expression in EXPRESSIONS for used in matched(expression)}
    assert not [s.name for s in SERIES if not names & set(s.exposed)]


def test_the_reader_finds_what_is_wrong():
    expression = 'sum by (experiment, colour) (clt_operator_leader{shape="round"})'
    assert [(u.name, set(u.labels)) for u in matched(expression)] == [
        ("clt_operator_leader", {"shape"})
    ]
    assert list(grouped(expression)) == [
        (frozenset({"experiment", "colour"}), frozenset({"clt_operator_leader"}))
    ]
    with pytest.raises(AssertionError, match="cannot read"):
        list(matched("clt_operator_leader{shape}"))
