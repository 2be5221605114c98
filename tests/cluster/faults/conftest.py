"""Fixtures of the faults: each test causes one, then ``assert_intact`` says that all is well."""

from collections.abc import Callable
from typing import Any

import pytest
from cluster.faults.intact import Intact
from cluster.harness.cluster import Cluster
from cluster.harness.experiments import Experiments
from cluster.harness.store import Store
from cluster.harness.waiting import until

Json = dict[str, Any]


@pytest.fixture
def assert_intact(cluster: Cluster, store: Store, experiments: Experiments) -> Intact:
    """``assert_intact(charged={"out-of-memory": 1})``, see ``Intact``."""
    return Intact(cluster, store, experiments)


@pytest.fixture
def job_of(cluster: Cluster, namespace: str) -> Callable[..., Json]:
    """Waits for a Job of a step kind: ``job_of("train", other_than=uid)``."""

    def found(kind: str, other_than: str = "", seconds: float = 60) -> Json:
        def there() -> Json | None:
            jobs = cluster.jobs(namespace, f"clt.dev/kind={kind}")
            return next((j for j in jobs if j["metadata"]["uid"] != other_than), None)

        return until(there, seconds, what=f"a Job of kind {kind}")

    return found
