"""Retries that are asked for, partial reports, budgets, and how many Jobs there may be."""

import threading

import pytest
from cluster.faults.studies import tiny_study, with_compute
from cluster.harness.waiting import until

RETRY = "clt.dev/retry"


@pytest.fixture
def most_jobs(cluster, namespace):
    """Watches the Jobs of the namespace; ``most_jobs()`` is the largest number of unfinished
    ones that there were at any moment."""
    stop, seen = threading.Event(), [0]

    def watch() -> None:
        there: set[str] = set()
        for kind, job in cluster.client.follow(f"/apis/batch/v1/namespaces/{namespace}/jobs", stop):
            over = any(
                c["type"] in ("Complete", "Failed") and c["status"] == "True"
                for c in job["status"].get("conditions", [])
            )
            (there.discard if over or kind == "DELETED" else there.add)(job["metadata"]["uid"])
            seen[0] = max(seen[0], len(there))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    yield lambda: seen[0]
    stop.set()


def test_a_failed_step_gets_a_fresh_budget_when_a_user_asks_for_it(
    operator, experiments, stub, cluster, assert_intact
):
    stub.add(kind="train", labels={"stage": "base"}, ends="fail", code=1, times=3)
    experiments.create(tiny_study())
    experiments.wait("Failed", reason="StepsFailed")
    asked = "2030-01-01T00:00:00Z"
    cluster.client.patch(f"{experiments.path}/study", {"metadata": {"annotations": {RETRY: asked}}})
    assert_intact(charged={"failed": 3})
    assert experiments.status()["handledRequest"] == asked
    assert assert_intact.root()["retry"] == asked


def test_a_retry_that_names_another_step_forgives_nothing(
    operator, experiments, stub, cluster, assert_intact
):
    stub.add(kind="train", labels={"stage": "base"}, ends="fail", code=65)
    experiments.create(tiny_study())
    experiments.wait("Failed", reason="StepsFailed")
    asked = "2030-01-01T00:00:00Z 0000"
    cluster.client.patch(f"{experiments.path}/study", {"metadata": {"annotations": {RETRY: asked}}})
    experiments.wait_status(lambda status: status.get("handledRequest") == asked)
    assert_intact.failed(charged={"input-at-fault": 1})
    assert len(stub.attempts(kind="train")) == 1


def test_a_report_in_part_lists_what_failed_and_completes_the_study(
    operator, experiments, stub, store, assert_intact
):
    stub.add(kind="train", labels={"k": "20"}, ends="fail", code=65)
    spec = tiny_study()
    spec["report"]["onMissing"] = "partial"
    experiments.create(spec)
    assert_intact(reason="PartialReport", charged={"input-at-fault": 1})
    status = experiments.status()
    assert store.artifacts.manifest(status["report"]) is not None
    assert len(stub.attempts(kind="report")) == 1


def test_a_spent_budget_stops_the_jobs_and_a_higher_one_goes_on(
    operator, experiments, stub, cluster, namespace, assert_intact
):
    stub.add(kind="train", delay=1.0)
    spec = with_compute(tiny_study(), "train", pool="gpu", gpus=1)
    spec["compute"]["budget"] = {"gpuHours": 0.0002}  # 0.72 s
    experiments.create(spec)
    status = experiments.wait("Failed", reason="BudgetExceeded")
    assert status["phase"] == "Failed"
    until(lambda: not cluster.jobs(namespace), 45, what="no Job is left")
    trained = len([r for r in stub.attempts(kind="train") if r.outcome == "committed"])
    assert trained == 1
    experiments.change({"compute": {"budget": {"gpuHours": 1.0}}})
    assert_intact()
    assert set(stub.commits().values()) == {1}


def test_max_parallel_is_honoured_at_every_moment(
    operator, experiments, stub, most_jobs, assert_intact
):
    stub.add(delay=0.1)
    spec = tiny_study()
    spec["compute"]["maxParallel"] = 2
    experiments.create(spec)
    assert_intact()
    assert most_jobs() == 2


def test_no_more_jobs_are_outstanding_than_the_installation_allows(
    profiles, start_operator, experiments, stub, most_jobs, assert_intact
):
    profiles(limits={"outstandingJobs": 3})
    start_operator()
    stub.add(delay=0.1)
    experiments.create(tiny_study(seeds=[0, 1]))
    assert_intact()
    assert most_jobs() == 3
