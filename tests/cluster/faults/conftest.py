"""Fixtures of the faults: each test causes one, then ``assert_intact`` says that all is well."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster.faults.intact import Intact
from cluster.harness.cluster import Cluster
from cluster.harness.experiments import Experiments
from cluster.harness.operator import RULES, Operator
from cluster.harness.profiles import STORE
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


@pytest.fixture
def operator_as(
    cluster: Cluster,
    crd_installed: None,
    namespace: str,
    store: Store,
    profiles: Callable[..., None],
    tmp_path: Path,
) -> Iterator[Callable[..., Operator]]:
    """Starts an operator under a name of its own in the audit log, with its rights everywhere:
    ``operator_as("second", "--namespace=other")`` is ``system:serviceaccount:<namespace>:second``.
    """
    started: list[Operator] = []

    def start(user: str, *arguments: str) -> Operator:
        kubeconfig = cluster.account(namespace, user, rules=RULES, everywhere=True)
        credentials = {STORE: store.credentials}
        made = Operator(
            tmp_path, kubeconfig, namespace, *arguments, name=user, credentials=credentials
        )
        started.append(made)
        return made.start(ready=True)

    yield start
    for operator in started:
        operator.kill()
