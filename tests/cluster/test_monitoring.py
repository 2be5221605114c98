"""What an operator shows Prometheus while it drives studies, and after it was started again."""

from cluster.harness.experiments import small_study
from cluster.harness.waiting import until

from clt_operator.api.telemetry import SERIES

WHERE = 'experiment="study"'


def names(metrics):
    return {name.partition("{")[0] for name in metrics}


def sum_of(metrics, name, *labels):
    return sum(
        value
        for series, value in metrics.items()
        if series.partition("{")[0] == name and all(label in series for label in labels)
    )


def test_every_series_of_the_operator_shows_while_it_drives_a_study(
    operator, experiments, stub, pods, namespace
):
    """And no name that is not in the list."""
    gate = stub.hold(kind="generate")
    stub.add(kind="collect", ends="fail", code=74, times=1)
    experiments.create(small_study(seeds=[0]))
    stub.working("generate")
    found = set()

    def at_work():
        metrics = operator.metrics()
        found.update(names(metrics))
        running = sum_of(metrics, "clt_experiment_steps", 'kind="generate"', 'phase="running"')
        assert running, metrics
        return metrics

    metrics = until(at_work, 30, what="a step is told as running")
    assert metrics["clt_operator_leader"] == 1
    assert sum_of(metrics, "clt_experiment_info", WHERE, 'phase="Running"') == 1

    image = "missing.invalid/jobs:1"
    waits = small_study(seeds=[1])
    waits["compute"]["train"]["image"] = image
    experiments.create(waits, "waits")

    def no_pod_runs(status):
        trainings = {c["kind"]: c for c in status.get("counts", ())}.get("train", {})
        return trainings.get("queued") and not trainings.get("running")

    experiments.wait_status(no_pod_runs, name="waits")
    train = ('experiment="waits"', 'kind="train"')

    def told():
        metrics = operator.metrics()
        assert sum_of(metrics, "clt_jobs_waiting", *train), metrics
        assert sum_of(metrics, "clt_experiment_steps", *train, 'phase="queued"'), metrics
        return metrics

    found.update(names(until(told, 30, what="Jobs wait for an image")))
    experiments.delete("waits")
    gone = 'experiment="waits"'
    until(
        lambda: not any(gone in series for series in operator.metrics()),
        30,
        what="nothing tells of an experiment that was deleted",
    )

    gate.set()
    experiments.wait("Complete")
    until(lambda: sum_of(operator.metrics(), "clt_report_info", WHERE), 60, what="its report shows")
    metrics = operator.metrics()
    found.update(names(metrics))
    assert sum_of(metrics, "clt_experiment_progress_ratio", WHERE) == 1
    assert sum_of(metrics, "clt_step_attempts_total", WHERE, 'outcome="transient"') == 1
    expected = {name for series in SERIES if series.where == "operator" for name in series.exposed}
    assert expected - found <= {"clt_operator_reconcile_errors_total"}  # none is what we want
    assert found <= expected

    operator.stop()
    operator.start()
    until(
        lambda: sum_of(operator.metrics(), "clt_report_score", WHERE),
        60,
        what="the report shows after a start",
    )
    again = operator.metrics()
    assert {s: v for s, v in again.items() if s.startswith("clt_report")} == {
        s: v for s, v in metrics.items() if s.startswith("clt_report")
    }
    assert sum_of(again, "clt_step_attempts_total") == 0


def test_a_standby_shows_itself_alone(operator, start_operator, experiments):
    experiments.create(small_study(seeds=[0]))
    second = start_operator(name="second", ready=False)
    until(lambda: second.status("/readyz") == 200, 30, what="the second one is ready")
    until(lambda: sum_of(operator.metrics(), "clt_experiment_info"), 30, what="the leader shows it")
    shown = second.metrics()
    assert shown["clt_operator_leader"] == 0
    assert not [series for series in shown if WHERE in series]
