"""Objects as caches show them, and what a scrape says of them."""

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from clt_operator.api.telemetry import SERIES

NOW = "2026-01-01T00:00:00Z"


def an_experiment(name: str = "study", uid: str = "", /, **status: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": "lab", "uid": uid or f"uid-{name}", "creationTimestamp": NOW}
    return {"metadata": meta, "spec": {}, "status": status}


def a_job(name: str = "job", *, owner: str = "study", queue: str = "", **more: Any) -> dict:
    labels = {"clt.dev/kind": "train", **({"kueue.x-k8s.io/queue-name": queue} if queue else {})}
    return {
        "metadata": {
            "name": name,
            "namespace": "lab",
            "uid": f"uid-{name}",
            "creationTimestamp": NOW,
            "labels": labels,
            "ownerReferences": [{"kind": "Experiment", "name": owner, "uid": f"uid-{owner}"}],
        },
        "spec": {},
        "status": {},
        **more,
    }


def a_pod(job: str = "job", began: str = "") -> dict[str, Any]:
    state = {"running": {"startedAt": began}} if began else {"waiting": {"reason": "Pulling"}}
    return {
        "metadata": {
            "name": f"{job}-pod",
            "namespace": "lab",
            "uid": f"uid-pod-{job}",
            "ownerReferences": [{"kind": "Job", "name": job, "uid": f"uid-{job}"}],
        },
        "status": {
            "phase": "Running" if began else "Pending",
            "containerStatuses": [{"name": "steps", "state": state}],
        },
    }


LABELS = {name: series.labels for series in SERIES for name in series.exposed}


def samples_of(text: bytes) -> dict[tuple[str, ...], float]:
    """Samples by name and the values of their labels, in the order of the list of series."""
    return {
        (sample.name, *(sample.labels[name] for name in LABELS[sample.name]), *_le(sample.labels)):
            sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }  # fmt: skip


def _le(labels: dict[str, str]) -> tuple[str, ...]:
    return (labels["le"],) if "le" in labels else ()


@pytest.fixture
def make_experiment():
    return an_experiment


@pytest.fixture
def make_job():
    return a_job


@pytest.fixture
def make_pod():
    return a_pod


@pytest.fixture
def samples():
    return samples_of
