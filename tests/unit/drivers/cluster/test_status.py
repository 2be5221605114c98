"""The status: small, stable where nothing turned, true to the decision."""

import json

import pytest

from clt_operator.api.status import ExperimentStatus
from clt_operator.drivers.cluster.status import Fact, Facts, condition, status_of, with_conditions
from clt_operator.reconcile import Decision, Status
from clt_operator.reconcile.decision import MOST_FAILURES, Failure

GOOD = Fact("True", "Planned", "10 steps")
BAD = Fact("False", "InvalidSpec", "spec.store: no store is called 'x'")


def facts(phase="Running", accepted=GOOD, done=3, **given):
    counts = {"train": {"done": done, "ready": 7}, "report": {"pending": 1, "unneeded": 2}}
    decision = Decision((), Status(counts, (), None))
    return Facts(phase, {"Accepted": accepted}, {"runs": 2, "steps": 11}, decision, **given)


def test_the_same_facts_give_the_same_status_whatever_the_time():
    first = status_of(facts(), 1, {}, "2026-01-01T00:00:00Z")
    assert status_of(facts(), 1, first, "2026-02-02T00:00:00Z") == first


def test_a_condition_keeps_its_time_until_it_turns():
    first = status_of(facts(), 1, {}, "2026-01-01T00:00:00Z")
    same = status_of(facts(done=4), 2, first, "2026-01-02T00:00:00Z")
    assert condition(same, "Accepted")["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    assert condition(same, "Accepted")["observedGeneration"] == 2
    turned = status_of(facts(accepted=BAD), 3, same, "2026-01-03T00:00:00Z")
    assert condition(turned, "Accepted")["lastTransitionTime"] == "2026-01-03T00:00:00Z"


def test_progress_leaves_out_what_nobody_needs():
    status = status_of(facts(left=7200.0), 1, {}, "now")
    assert (status["done"], status["progress"], status["eta"]) == ("3/11", "27%", "2h00m")
    assert status["counts"][0] == {"kind": "train", "ready": 7, "done": 3}


@pytest.mark.parametrize(
    ("seconds", "text"), [(5, "1m"), (600, "10m"), (5000, "1h20m"), (100_000, "28h")]
)
def test_the_time_left_is_told_coarsely(seconds, text):
    assert status_of(facts(left=float(seconds)), 1, {}, "now")["eta"] == text


def test_it_began_once_and_ended_once():
    began = status_of(facts(), 1, {}, "t1")
    done = status_of(facts("Complete", report="r"), 1, began, "t2")
    again = status_of(facts("Complete", report="r"), 1, done, "t3")
    assert (again["startTime"], again["completionTime"]) == ("t1", "t2")
    other = status_of(facts("Complete", report="another"), 2, again, "t4")
    assert other["completionTime"] == "t4"


def test_steps_in_jobs_that_wait_are_not_told_as_running():
    counts = {"train": {"queued": 4, "running": 1, "done": 5}}
    decision = Decision((), Status(counts, (), None))  # type: ignore[arg-type]
    status = status_of(Facts("Running", {}, {}, decision), 1, {}, "now")
    assert (status["queued"], status["running"], status["done"]) == (4, 1, "5/10")
    assert status["counts"] == [{"kind": "train", **counts["train"]}]


def test_what_could_not_be_found_out_stays_as_it_was():
    before = status_of(facts(), 1, {}, "t1")
    away = Fact("True", "StoreUnavailable", "no answer")
    after = with_conditions(before, {"Degraded": away}, 1, "t2")
    assert condition(after, "Degraded")["reason"] == "StoreUnavailable"
    assert condition(after, "Accepted") == condition(before, "Accepted")
    assert after["counts"] == before["counts"]


def test_promise_complete_is_never_told_of_a_generation_that_nobody_looked_at():
    done = {"Complete": Fact("True", "ReportCommitted")}
    before = status_of(Facts("Complete", done, report="r"), 1, {}, "t1")
    after = with_conditions(before, {"Degraded": Fact("True", "StoreUnavailable")}, 2, "t2")
    assert condition(after, "Complete")["observedGeneration"] == 1
    assert condition(after, "Degraded")["observedGeneration"] == 2


def test_a_study_of_ten_thousand_failures_has_a_small_status():
    counts = {f"kind{at}": {"failed": 500, "blocked": 500} for at in range(10)}
    failures = tuple(
        Failure("f" * 64, "train", "x" * 5000, 3, "é" * 5000) for _ in range(MOST_FAILURES)
    )
    decision = Decision((), Status(counts, failures, "failed"))  # type: ignore[arg-type]
    conditions = {name: Fact("False", "Because", "é" * 90_000) for name in ("Accepted", "Failed")}
    status = status_of(Facts("Failed", conditions, {}, decision), 1, {}, "2026-01-01T00:00:00Z")
    assert len(json.dumps(status, ensure_ascii=False).encode()) < 64 * 1024
    ExperimentStatus.model_validate(status)
