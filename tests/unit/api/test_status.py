"""The status's types describe what the operator writes, small whatever the study's size."""

import ast
import json
from pathlib import Path
from typing import get_args

import pytest
from pydantic import ValidationError
from support.specs import LOCK, small_spec, spec_of

import clt_operator.drivers.cluster as driver
from clt_operator.api.status import (
    CONDITIONS,
    PHASES,
    ConditionType,
    ExperimentStatus,
    Phase,
)
from clt_operator.drivers.cluster.status import TYPES, Fact, Facts, status_of, with_conditions
from clt_operator.plan.build import plan
from clt_operator.reconcile import Attempt, Observed, Policy, reconcile

MOST_BYTES = 64 * 1024
NOW = "2030-01-01T00:00:00Z"


def parsed(status):
    """The status by its types, as the API server got it."""
    return ExperimentStatus.model_validate(
        json.loads(json.dumps(status)), strict=True, by_alias=True, by_name=False
    )


@pytest.fixture(scope="module")
def large():
    """A study of 10,000 steps."""
    spec = small_spec()
    spec["seeds"] = list(range(60))
    spec["sweeps"][0]["samplesPerLanguage"] = {"values": list(range(20))}
    made = plan(spec_of(spec), LOCK)
    assert len(made.graph.steps) > 10_000
    return made


def facts_of(made, decision, message=""):
    return Facts(
        phase="Running",
        conditions={name: Fact("True", "StepsRunning", message) for name in TYPES},
        counts={name: made.counts[name] for name in ("runs", "trainings", "cells", "steps")},
        decision=decision,
        left=123_456.0,
        store="research",
        store_uri="s3://bucket/prefix",
        lock="a" * 64,
        report="b" * 64,
        gpu_hours=12.5,
        cost="25.00 EUR",
        handled=NOW,
    )


def test_promise_the_status_of_ten_thousand_steps_is_below_64_kib(large):
    """Even where every step failed with a page of text and every condition has one."""
    said = {key: (Attempt(1, "failed", message="long " * 10_000),) for key in large.graph.steps}
    decision = reconcile(large.graph, Observed(attempts=said), Policy(attempts=1))
    status = status_of(facts_of(large, decision, "long " * 10_000), 7, {}, NOW)
    assert len(json.dumps(status)) < MOST_BYTES
    found = parsed(status)
    assert found.failed == len(large.graph.steps)
    assert len(found.failures) == 10
    assert found.conditions[0].observed_generation == 7


def test_a_status_under_way_is_described_by_its_types(large):
    decision = reconcile(large.graph, Observed(free_slots=100), Policy())
    found = parsed(status_of(facts_of(large, decision), 1, {}, NOW))
    assert found.steps == len(large.graph.steps)
    assert found.done == f"0/{found.steps}"
    assert found.progress == "0%"
    assert sum(row.ready + row.pending for row in found.counts) == found.steps
    assert (found.eta, found.gpu_hours, found.start_time) == ("34h", "12.50", NOW)


def test_a_status_before_anything_is_known_is_described_by_its_types():
    said = {"Accepted": Fact("False", "InvalidSpec", "spec.sweeps: wrong")}
    assert parsed(with_conditions({}, said, 3, NOW)).conditions[0].reason == "InvalidSpec"


@pytest.mark.parametrize(
    "wrong",
    [
        {"phase": "Done"},
        {"steps": -1},
        {"surprise": 1},
        {"lock": "a"},
        {"startTime": "yesterday"},
        {"conditions": [{"type": "Ready", "status": "True"}]},
    ],
)
def test_what_no_operator_writes_is_refused(wrong):
    with pytest.raises(ValidationError):
        parsed(wrong)


def test_every_phase_and_condition_has_its_words():
    assert tuple(PHASES) == get_args(Phase)
    assert tuple(CONDITIONS) == get_args(ConditionType) == TYPES


def test_every_reason_that_the_operator_gives_is_documented():
    documented = {reason for _, reasons in CONDITIONS.values() for reason in reasons}
    assert said_reasons() >= {"Planned", "StepsRunning", "BudgetExceeded"}
    assert said_reasons() <= documented


def said_reasons():
    """The reasons that stand as words in the operator's sources: ``Fact(status, reason)``."""
    calls = (
        node
        for path in Path(driver.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Fact"
    )
    return {call.args[1].value for call in calls if isinstance(call.args[1], ast.Constant)}
