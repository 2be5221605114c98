"""Fixtures of the end-to-end level: see README.md beside this file.

One cluster and one installation serve a session. Under CI a skipped test counts as failed.
"""

import os
from collections.abc import Generator, Iterator
from contextlib import ExitStack

import pytest
from cluster.harness.binaries import CannotBuild
from cluster.harness.cluster import Cluster, given_kubeconfig
from cluster.harness.kueue import Kueue
from e2e.harness import images, machine
from e2e.harness.installation import Installation
from e2e.harness.node import Node
from e2e.harness.site import Site, given_site, own_site, timed

IMAGES = ("clt-operator", "clt-jobs", "pause", "coredns", "versitygw")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A cluster with nodes, names and an S3 server: KUBECONFIG's, or one of this machine."""
    given = given_kubeconfig()
    if not given and (reason := machine.unsuitable()):
        pytest.skip(reason)
    with ExitStack() as stack:
        try:
            if given:
                made = given_site(tmp_path_factory.mktemp("site"), given)
            else:
                with timed("images, built where they are missing"):
                    archives = images.archives(IMAGES)
                made = own_site(archives)
            running = stack.enter_context(made)
        except CannotBuild as reason:
            pytest.skip(str(reason))
        yield running


@pytest.fixture(scope="session")
def cluster(site: Site) -> Cluster:
    """Administrator's view of it."""
    return site.cluster


@pytest.fixture(scope="session")
def nodes(site: Site) -> tuple[Node, ...]:
    """The nodes of this machine; skips the test on a cluster that is given."""
    if not site.nodes:
        pytest.skip("KUBECONFIG is set: the nodes of that cluster are not on this machine")
    return site.nodes


@pytest.fixture(scope="session")
def installation(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """The product, installed by the README's commands."""
    made = Installation(site, tmp_path_factory.mktemp("installation"))
    made.install()
    return made


@pytest.fixture(scope="module")
def kueue(cluster: Cluster) -> Iterator[Kueue]:
    """Kueue, for the tests of one module."""
    with timed("Kueue"):
        running = Kueue(cluster).start()
    try:
        yield running
    finally:
        running.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Adds to a failure what the cluster looks like; makes skips failures under CI."""
    report = yield
    found = getattr(item, "funcargs", {}).get("installation")
    if report.failed and isinstance(found, Installation):
        for title, text in found.describe().items():
            report.sections.append((title, text[-8000:]))
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report
