"""The alerts, run by promtool: each fires when it should and is quiet when it should."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from services.prometheus import program_or_skipped
from support.dashboards import CHART

RULES = CHART / "rules" / "clt.yaml"
FILES = sorted((Path(__file__).parent / "rules").glob("*.yaml"))
RUNBOOK = CHART.parents[1] / "docs" / "how-to" / "monitor-runs.md"
ALERTS = [
    rule for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for rule in group["rules"]
]
NAMES = [rule["alert"] for rule in ALERTS]
each_alert = pytest.mark.parametrize("alert", ALERTS, ids=NAMES)


def promtool(*arguments):
    done = subprocess.run(
        [program_or_skipped("promtool"), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_the_rules():
    promtool("check", "rules", RULES)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_alerts_fire_and_are_quiet_as_their_cases_say(path):
    promtool("test", "rules", path)


@each_alert
def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_is_quiet(alert):
    fires = [
        bool(case["exp_alerts"])
        for path in FILES
        for test in yaml.safe_load(path.read_text("utf-8"))["tests"]
        for case in test["alert_rule_test"]
        if case["alertname"] == alert["alert"]
    ]
    assert set(fires) == {True, False}


@each_alert
def test_every_alert_says_how_bad_it_is_and_names_its_section_of_the_runbook(alert):
    assert alert["labels"]["severity"] in ("critical", "warning", "info")
    assert alert["annotations"]["summary"].endswith(".")
    assert alert["annotations"]["description"].endswith(".")
    place, _, anchor = alert["annotations"]["runbook"].partition("#")
    assert place == "docs/how-to/monitor-runs.md"
    headings = re.findall(r"^### (\w+)$", RUNBOOK.read_text("utf-8"), re.MULTILINE)
    assert anchor in [heading.lower() for heading in headings]


def test_the_runbook_has_no_section_of_an_alert_that_is_gone():
    headings = re.findall(r"^### (Clt\w+)$", RUNBOOK.read_text("utf-8"), re.MULTILINE)
    assert headings == NAMES


@each_alert
def test_what_an_alert_says_of_an_experiment_keeps_its_namespace_and_name(alert):
    if "$labels.experiment" in alert["annotations"]["summary"]:
        assert "$labels.namespace" in alert["annotations"]["summary"]
        assert "namespace, experiment" in alert["expr"]
    else:
        assert alert["alert"].startswith("CltOperator")
