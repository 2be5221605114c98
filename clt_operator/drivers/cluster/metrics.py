"""What the operator tells Prometheus. Labels are bounded: kinds, phases, outcomes, names of
experiments that exist; never a key or free text."""

from collections.abc import Mapping, Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from clt_operator import __version__

PHASES = ("Pending", "Running", "Complete", "Failed", "Suspended", "Cancelled", "Rejected")
STEP_PHASES = ("pending", "ready", "running", "done", "failed", "blocked", "unneeded")
MOST_EXPERIMENTS = 1000  # exposed one by one


class Metrics:
    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.reconcile = Histogram(
            "clt_operator_reconcile_seconds",
            "Time of one look at one experiment.",
            registry=registry,
            buckets=(0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15, 60, 300),
        )
        self.errors = Counter(
            "clt_operator_reconcile_errors_total",
            "Looks that ended with an error and are tried again.",
            ["error"],
            registry=registry,
        )
        self.succeeded = Gauge(
            "clt_operator_last_success_timestamp_seconds",
            "When a look last ended well.",
            registry=registry,
        )
        self.queue = Gauge(
            "clt_operator_queue_depth", "Experiments that wait for a look.", registry=registry
        )
        self.writes = Gauge(
            "clt_operator_api_writes_total",
            "Requests to the API server that changed something or may have.",
            registry=registry,
        )
        self.jobs = Counter("clt_operator_jobs_created_total", "Jobs made.", registry=registry)
        self.leader = Gauge("clt_operator_leader", "1 where this process leads.", registry=registry)
        self.experiments = Gauge(
            "clt_experiments", "Experiments by phase.", ["phase"], registry=registry
        )
        self.steps = Gauge(
            "clt_experiment_steps",
            "Steps of an experiment by kind and phase.",
            ["namespace", "experiment", "kind", "phase"],
            registry=registry,
        )
        self.attempts = Counter(
            "clt_step_attempts_total",
            "Attempts that ended, by kind of step and outcome.",
            ["kind", "outcome"],
            registry=registry,
        )
        self.seconds = Histogram(
            "clt_step_seconds",
            "How long committed attempts took.",
            ["kind"],
            registry=registry,
            buckets=(1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 48 * 3600),
        )
        Gauge("clt_build_info", "The release.", ["version"], registry=registry).labels(
            __version__
        ).set(1)

    def ended(self, kind: str, outcome: str, seconds: float | None) -> None:
        self.attempts.labels(kind, outcome).inc()
        if outcome == "committed" and seconds is not None:
            self.seconds.labels(kind).observe(seconds)

    def show(self, experiments: Sequence[Mapping[str, Any]]) -> None:
        """Sets the gauges of what there is now; what is gone is dropped."""
        phases = dict.fromkeys(PHASES, 0)
        self.steps.clear()
        for at, item in enumerate(experiments):
            status = item.get("status") or {}
            phase = status.get("phase") or "Pending"
            phases[phase] = phases.get(phase, 0) + 1
            if at < MOST_EXPERIMENTS:
                self._steps(item["metadata"], status)
        for phase, count in phases.items():
            self.experiments.labels(phase).set(count)

    def _steps(self, meta: Mapping[str, Any], status: Mapping[str, Any]) -> None:
        for row in status.get("counts") or ():
            for phase in STEP_PHASES:
                place = (meta.get("namespace", ""), meta["name"], row["kind"], phase)
                self.steps.labels(*place).set(row.get(phase, 0))

    def text(self) -> bytes:
        return bytes(generate_latest(self.registry))
