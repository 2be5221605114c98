"""What each switch of the chart changes, object by object.

``CLT_UPDATE_GOLDEN=1`` writes the files again; read the difference before you commit it. A file
shows how a case differs from the default values: objects that are new, lines of those that are
changed, names of those that are gone. What stands in a file of the repository (definition,
rights, alerts, dashboards) is compared with it elsewhere, and left out here.
"""

import difflib
import os
from pathlib import Path

import pytest
import yaml
from cluster.chart.cases import CASES
from cluster.chart.conftest import EVERY
from cluster.harness.operator import RIGHTS

from charts.pages import CHART
from clt_operator import __version__
from clt_operator.render.text import to_yaml

GOLDEN = Path(__file__).parent / "golden"
DEFAULTS = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
SAME = {  # labels of every object
    "app.kubernetes.io/instance": "clt",
    "app.kubernetes.io/managed-by": "Helm",
    "app.kubernetes.io/part-of": "clt",
    "app.kubernetes.io/version": __version__,
    "helm.sh/chart": f"clt-{__version__}",
}
ROLES = [(f"operator.{name}", rules) for name, rules in RIGHTS["operator"].items()]
ROLES += [(name, rules) for name, rules in RIGHTS.items() if name != "operator"]


def identity(item):
    metadata = item["metadata"]
    return "/".join((item["kind"], metadata.get("namespace", ""), metadata["name"]))


def shortened(item):
    """Without what is a file of the repository, and without the labels that all have."""
    labels = item["metadata"]["labels"]
    assert {name: labels.get(name) for name in SAME} == SAME, identity(item)
    own = {name: value for name, value in labels.items() if name not in SAME}
    made = {**item, "metadata": {**item["metadata"], "labels": own}}
    if item["kind"] == "CustomResourceDefinition":
        made["spec"] = "that of clt_operator.api.crd"
    if "rules" in item:
        made["rules"] = next(name for name, rules in ROLES if rules == item["rules"])
    return to_yaml([made]).replace(__version__, "VERSION")


def is_dashboard(item):
    return item["kind"] == "ConfigMap" and "grafana_dashboard" in item["metadata"]["labels"]


def shown(found):
    kept = [item for item in found if not is_dashboard(item) and item["kind"] != "PrometheusRule"]
    return {identity(item): shortened(item) for item in kept}


def difference(base, found):
    """One text for the objects of a case."""
    parts = [f"# without {name}\n" for name in base if name not in found]
    for name, text in found.items():
        if name not in base:
            parts.append(text)
        elif base[name] != text:
            lines = difflib.unified_diff(
                base[name].splitlines(keepends=True), text.splitlines(keepends=True), n=2
            )
            parts.append(f"# changed {name}\n" + "".join([*lines][2:]))
    return "".join(parts)


@pytest.mark.parametrize("case", EVERY)
def test_a_switch_changes_what_its_golden_file_says(case, render):
    base = {} if case == "default" else shown(render("default"))
    text = difference(base, shown(render(case)))
    path = GOLDEN / f"{case}.txt"
    if os.environ.get("CLT_UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


def test_no_golden_file_is_left_over():
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(EVERY)


def switches(values, path=()):
    for name, value in values.items():
        if isinstance(value, dict):
            yield from switches(value, (*path, name))
        elif isinstance(value, bool):
            yield (*path, name), value


@pytest.mark.parametrize(("path", "default"), switches(DEFAULTS), ids=str)
def test_every_switch_has_a_case_that_turns_it(path, default):
    def set_to(values):
        for name in path:
            values = values.get(name, {})
        return values

    assert any(set_to(values) is (not default) for values in CASES.values())
