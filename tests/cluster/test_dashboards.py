"""Promise: every query of every dashboard returns data of a real run.

A study is driven by the operator, its steps are real runners (``harness/runners.py``), a real
Prometheus scrapes both with the configuration that the docs print. In its way lie what makes the
rarer series: a training whose pod is deleted and that goes on, one whose loss is not finite, one
that no node takes, a store that is away for a moment.
"""

import json
import math
import re
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from cluster.harness.profiles import POOLS
from cluster.harness.runners import Runners
from cluster.harness.waiting import until
from services import prometheus
from support.commands import cltctl_process
from support.dashboards import NAMES, dashboard, filled, queries

COLOURS = {
    "en": ("red", "blue", "green", "white"),
    "ja": ("あかいろ", "あおいろ", "みどりいろ", "しろいろ"),
    "es": ("rojo", "azul", "verde", "blanco"),
}
ONE = ("sweep", "model", "task", "metric")  # variables of Transfer that have one value
WINDOW = {"__rate_interval": "15s", "__range": "20m"}
LONG = 420.0  # seconds for a study on a busy machine
SPEC = """
models:
  - name: small
    source: init:llama
    architecture: {layers: 1, hidden: 32, heads: 2, intermediate: 64, max_positions: 128}
tasks:
  - name: colours
    train:
      source: jsonl:rows-{language}.jsonl
      columns: {prompt: "{q}", response: "{a}", answer: "{a}"}
    split: {by: item, testFraction: 0.25}
    metrics: [chrf]
    generation: {maxNewTokens: 6}
languages: {pivot: en, mixes: {one: [ja]}, evaluate: [en, ja, es]}
sweeps: [{name: add, pivotSamples: 20, samplesPerLanguage: {values: [0, 10]}}]
seeds: [0]
train:
  steps: 1200
  batchSize: 8
  learningRate: 0.005
  maxRepeats: 1000
  evalEverySteps: 50
  validationItems: 4
  select: mixture_loss
compute:
  train: {pool: cpu}
  evaluate: {pool: cpu, batchSize: 1}
  data: {pool: cpu}
  report: {pool: cpu}
"""
NO_NODE = {"compute": {"train": {"pool": "nowhere"}}, "train": {"steps": 7}}
# Each step multiplies the weights by -99: they are beyond what a number holds within twenty.
NOT_FINITE = {
    "train": {"steps": 60, "batchSize": 128, "learningRate": 10, "weightDecay": 10},
    "retries": {"limit": 1},
}


def rows(directory: Path) -> None:
    """Of two colours the second is asked for; their names are words of the language."""
    for language, words in COLOURS.items():
        lines = [
            {"q": f"{n} {words[n % 4]} {words[n // 4 % 4]} = ", "a": words[n // 4 % 4] * 2}
            for n in range(320)
        ]
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (directory / f"rows-{language}.jsonl").write_text(text, encoding="utf-8")


@pytest.fixture
def pushed(tmp_path, store):
    """Makes a spec whose files are in the store, as ``cltctl push`` writes it."""
    directory = tmp_path / "spec"
    directory.mkdir()
    rows(directory)

    def push(changes: dict[str, Any] | None = None) -> dict[str, Any]:
        spec = yaml.safe_load(SPEC)
        for section, fields in (changes or {}).items():
            for name, value in fields.items():
                spec.setdefault(section, {})[name] = value
        source, target = directory / "study.yaml", directory / "pushed.yaml"
        document = {"apiVersion": "clt.dev/v1alpha1", "kind": "Experiment"}
        document |= {"metadata": {"name": "study"}, "spec": spec}
        source.write_text(yaml.safe_dump(document, allow_unicode=True))
        words = ("push", source, "--store", store.uri, "--write", target)
        done = cltctl_process(*words, env=store.environment)
        assert done.code == 0, done.err
        written: dict[str, Any] = yaml.safe_load(target.read_text())
        return written

    return push


@pytest.fixture
def watched(tmp_path):
    """A Prometheus that scrapes what is shown to it."""
    with prometheus.running(tmp_path / "prometheus", "1s") as running:
        yield running


@pytest.fixture
def runners(cluster, namespace, store, tmp_path, watched):
    """Plays the pods with real runners; those that tell most start once Prometheus looks."""

    def seen(pod, port):
        watched.show(pod, port)
        if pod["metadata"]["labels"]["clt.dev/kind"] in ("train", "generate"):
            name = pod["metadata"]["name"]
            until(
                lambda: any(t["labels"].get("pod") == name for t in watched.targets()),
                60,
                what=f"Prometheus scrapes {name}",
            )

    directory = tmp_path / "pods"
    directory.mkdir()
    with Runners(
        cluster.client,
        namespace,
        store.environment,
        directory=directory,
        hints={"save_every_seconds": 2},
        seen=seen,
        gone=watched.hide,
    ) as running:
        yield running
    assert not running.faults


def show_operator(watched, operator):
    labels = {"app.kubernetes.io/name": "clt-operator"}
    meta = {"uid": "operator", "name": "operator-0", "namespace": "clt-system", "labels": labels}
    watched.show({"metadata": meta}, operator.port)


def training_that_saved(watched) -> str:
    """The pod of a training of the study that is under way and has saved a state."""
    saved = 'clt_train_step{experiment="study"} > 20 and on (pod) clt_checkpoint_bytes_total > 0'
    found = now(watched, saved)
    return found[0].labels["pod"] if found else ""


def now(watched, expression):
    """What it is at this moment."""
    moment = time.time()
    return watched.over(expression, moment, moment)


def has_values(samples) -> bool:
    return any(math.isfinite(value) for sample in samples for _, value in sample.values)


def choices(watched, query: str, values: dict[str, str]) -> list[str]:
    """What ``label_values(selector, label)`` of a variable gives."""
    found = re.fullmatch(r"label_values\((.*), (\w+)\)", query)
    return watched.values(found[2], filled(found[1], values))


def chosen(watched, name: str, namespace: str) -> dict[str, str]:
    """A value for each variable of a dashboard: what its page opens with, or the study."""
    values = {**WINDOW, "namespace": namespace}
    for variable in dashboard(name)["templating"]["list"]:
        if variable["type"] != "query" or variable["name"] == "namespace":
            continue
        offered = choices(watched, variable["query"], values)
        assert offered, f"{name}: nothing to choose for {variable['name']}"
        preferred = "study" if variable["name"] == "experiment" else offered[0]
        values[variable["name"]] = ".*" if variable.get("includeAll") else preferred
    return values


@pytest.mark.slow
def test_promise_every_panel_query_returns_data_of_a_real_run(
    *, operator, runners, experiments, pushed, pods, profiles, store, watched, namespace
):
    profiles(pools={**POOLS, "nowhere": {"nodeSelector": {"clt.dev/pool": "nowhere"}}})
    began = time.time()
    show_operator(watched, operator)
    experiments.create(pushed())
    experiments.create(pushed(NO_NODE), "waits")

    pods.delete(until(lambda: training_that_saved(watched), LONG, what="a training saves"))
    resumed = 'clt_step_resumes_total{experiment="study"} > 0'
    until(lambda: now(watched, resumed), LONG, what="a training goes on")
    with store.down():
        until(lambda: "clt_operator_reconcile_errors_total{" in str(operator.metrics()), 60)
    experiments.create(pushed(NOT_FINITE), "diverges")
    experiments.wait("Complete", seconds=LONG)
    experiments.wait("Failed", name="diverges", seconds=LONG)
    scraped = "count_over_time(clt_report_info[1m]) > 2"
    until(lambda: now(watched, scraped), 60, what="the report is shown and scraped")
    ended = time.time()

    values = {name: chosen(watched, name, namespace) for name in NAMES}
    silent = [
        str(query)
        for query in queries()
        if not has_values(
            watched.over(filled(query.expression, values[query.dashboard]), began, ended)
        )
    ]
    assert silent == []

    fired = watched.over('ALERTS{alertstate="firing"}', began, ended)
    told = {(sample.labels["alertname"], sample.labels.get("experiment")) for sample in fired}
    assert ("CltLossNotFinite", "diverges") in told
    assert {rule["health"] for rule in watched.rules()} == {"ok"}
