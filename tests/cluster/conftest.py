"""Fixtures of the cluster level: see README.md beside this file.

One cluster serves a whole session; every test gets a namespace, a store, a stub and, where it
asks for one, an operator of its own. Under CI a skipped test counts as failed.
"""

import os
import re
import secrets
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster.harness.binaries import built_or_skipped
from cluster.harness.cluster import Cluster, given_cluster, given_kubeconfig, own_cluster
from cluster.harness.experiments import Experiments
from cluster.harness.kueue import Kueue
from cluster.harness.operator import RULES, Operator
from cluster.harness.pods import Pods
from cluster.harness.profiles import STORE, write_profiles
from cluster.harness.store import Gateway, Store
from cluster.harness.stub import Stub
from cluster.harness.waiting import until
from services import versitygw

StartOperator = Callable[..., Operator]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The cluster of the session: KUBECONFIG's, or a control plane of our own with KWOK."""
    directory = tmp_path_factory.mktemp("cluster")
    given = given_kubeconfig()
    made = given_cluster(directory, given) if given else own_cluster(directory, built_or_skipped())
    with made as running:
        yield running


@pytest.fixture(scope="module")
def kueue(cluster: Cluster) -> Iterator[Kueue]:
    """Kueue, for the tests of one module: ``kueue.queue(namespace, cpu="2")`` makes a queue."""
    with Kueue(cluster) as running:
        yield running


@pytest.fixture(scope="session")
def crd_installed(cluster: Cluster) -> None:
    """The Experiment kind is served."""
    from clt_operator.api.crd import crd

    definition = crd()
    name = definition["metadata"]["name"]
    cluster.apply(definition)
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"

    def established() -> bool:
        conditions = cluster.client.get(path).get("status", {}).get("conditions") or []
        return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)

    until(established, 30, what="the CRD is established")


@pytest.fixture
def namespace(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh namespace; its end is started afterwards and not waited for."""
    test = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")
    name = cluster.make_namespace(f"{test[:40].strip('-')}-{secrets.token_hex(3)}")
    yield name
    if cluster.ours:
        cluster.control.recover()
    cluster.remove_namespace(name)


@pytest.fixture
def pods(cluster: Cluster, namespace: str) -> Pods:
    """The pods of the namespace, and what can happen to them."""
    return cluster.pods(namespace)


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """The S3 service of the session."""
    running = Gateway(versitygw.built_or_skipped(), tmp_path_factory.mktemp("s3"))
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture
def store(gateway: Gateway) -> Iterator[Store]:
    """An empty store in a bucket of its own."""
    yield gateway.make_bucket(f"store-{secrets.token_hex(4)}")
    gateway.recover()


@pytest.fixture
def stub(cluster: Cluster, namespace: str, store: Store) -> Iterator[Stub]:
    """Plays the containers of the namespace's Jobs. A fault of its own fails the test."""
    with Stub(cluster.client, namespace, store.environment) as running:
        yield running
    assert not running.faults


@pytest.fixture
def profiles(cluster: Cluster, namespace: str, store: Store) -> Callable[..., None]:
    """Profiles of the namespace, with the store and the pools ``cpu`` and ``gpu``; call it with
    top-level fields to change them."""

    def write(**changes: Any) -> None:
        write_profiles(cluster, namespace, store, **changes)

    write()
    return write


@pytest.fixture
def start_operator(
    *,
    cluster: Cluster,
    crd_installed: None,
    namespace: str,
    store: Store,
    profiles: Callable[..., None],
    tmp_path: Path,
) -> Iterator[StartOperator]:
    """Starts one more operator on the namespace: ``start_operator(name="second")``, with further
    command-line arguments and ``ready=False`` for one that is to stand by. All are stopped at
    the end."""
    kubeconfig = cluster.account(namespace, "operator", rules=RULES)
    started: list[Operator] = []

    def start(*arguments: str, name: str = "operator", ready: bool = True) -> Operator:
        credentials = {STORE: store.credentials}
        made = Operator(
            tmp_path, kubeconfig, namespace, *arguments, name=name, credentials=credentials
        )
        started.append(made)
        return made.start(ready=ready)

    yield start
    for operator in started:
        operator.kill()


@pytest.fixture
def operator(start_operator: StartOperator) -> Operator:
    """The operator, ready. It is ``system:serviceaccount:<namespace>:operator`` and may do what
    RULES of ``harness/operator.py`` say."""
    return start_operator()


@pytest.fixture
def experiments(cluster: Cluster, crd_installed: None, namespace: str) -> Experiments:
    """The experiments of the namespace."""
    return Experiments(cluster.client, namespace)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds to a failure what operator and stub said; makes skips failures under CI."""
    report = yield
    if report.failed:
        arguments = getattr(item, "funcargs", {})
        for name, value in arguments.items():
            if isinstance(value, Operator):
                report.sections.append((f"{name}: {value.program.log}", value.logs[-6000:]))
            if isinstance(value, Stub):
                lines = [str(record) for record in value.records[-60:]]
                report.sections.append((name, "\n".join(lines)))
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report
