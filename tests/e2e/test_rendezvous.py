"""Pods of one Job on several nodes: they find each other by name, and train as one."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cluster.harness.cluster import Cluster
from cluster.harness.kueue import Kueue
from cluster.harness.steps import fetch_steps
from cluster.harness.waiting import until
from e2e.harness.installation import JOBS, TAG, Installation
from e2e.harness.results import Results, assert_same, copy_before
from e2e.harness.site import timed
from support.studies import small_quickstart
from support.worlds import worlds

from clt_operator.api.profiles import Settings, StoreProfile
from clt_operator.api.spec.compute import ComputeSpec
from clt_operator.render.job import render_batch

TEAM = "team-c"
COLLECTIVE = Path(__file__).parent / "harness" / "collective.py"
NAME = "two-nodes"
JOB_SECONDS = 180
STUDY_SECONDS = 900

Json = dict[str, Any]


def rendered(installation: Installation) -> tuple[Json, Json]:
    """Service and Job of a step on two nodes, as the operator makes them; only what the
    container runs is another."""
    profile = StoreProfile(uri=installation.store_of(TEAM))
    settings = Settings(
        image=f"{JOBS}:{TAG}", namespace=TEAM, store=profile, image_pull_policy="Never"
    )
    compute = ComputeSpec.model_validate({"data": {"nodes": 2}, "queue": "nobody"})
    service, job = render_batch(fetch_steps(1), compute, settings)
    job = copy.deepcopy(job)
    job["spec"]["suspend"] = False  # no Kueue here: nobody else would let it start
    (container,) = job["spec"]["template"]["spec"]["containers"]
    container["command"], container["args"] = (
        ["python", "-c", COLLECTIVE.read_text(encoding="utf-8")],
        [],
    )
    return service, job


@pytest.fixture
def job(installation: Installation) -> Iterator[str]:
    cluster, (service, job) = installation.site.cluster, rendered(installation)
    cluster.apply(service, job)
    name = job["metadata"]["name"]
    yield name
    cluster.client.delete(f"/apis/batch/v1/namespaces/{TEAM}/jobs/{name}")
    cluster.client.delete(f"/api/v1/namespaces/{TEAM}/services/{name}")


def test_two_pods_of_a_job_meet_by_name_and_finish_a_collective(
    installation: Installation, job: str
) -> None:
    cluster: Cluster = installation.site.cluster
    path = f"/apis/batch/v1/namespaces/{TEAM}/jobs/{job}"

    def succeeded() -> bool:
        status = cluster.client.get(path)["status"]
        assert not status.get("failed"), status
        return status.get("succeeded") == 2

    until(succeeded, JOB_SECONDS, what="both pods have ended")
    pods = cluster.pods(TEAM).of_job(job)
    said = [cluster.kubectl("logs", "-n", TEAM, p["metadata"]["name"]) for p in pods]
    assert len(said) == 2
    assert all("sum 3" in text for text in said), said
    ran = sorted(p["spec"]["nodeName"] for p in pods)
    print(f"e2e: the pods ran on {ran}")
    if installation.site.nodes:
        assert len(set(ran)) == 2, "both pods ran on one node: no network was between them"


def two_nodes() -> Json:
    """A small study whose trainings take two pods each."""
    data = small_quickstart()
    data["metadata"]["name"] = NAME
    spec = data["spec"]
    spec["seeds"] = [0]
    spec["compute"] |= {"queue": "team", "train": {"nodes": 2}}
    return data


@pytest.fixture(scope="module")
def trained(installation: Installation, kueue: Kueue) -> Results:
    """Kueue lets both pods of a training start, or none."""
    kueue.queue(TEAM, "team", cpu="2")
    spec = installation.directory / f"{NAME}.yaml"
    spec.write_text(yaml.safe_dump(two_nodes(), allow_unicode=True), encoding="utf-8")
    with timed("study with trainings on two nodes"):
        wait = ["--wait", "--timeout", f"{STUDY_SECONDS}s"]
        installation.run("cltctl", "apply", str(spec), "-n", TEAM, *wait)
    return Results(installation.store_of(TEAM), TEAM, NAME, installation.site.storage.environment)


def test_a_training_on_two_nodes_says_so(trained: Results) -> None:
    said = [m.provenance["world"] for m in trained.manifests("train")]
    assert said
    assert {world["nodes"] for world in said} == {2}
    assert not trained.charged()


def test_promise_a_training_on_two_nodes_is_that_of_two_processes_here(
    trained: Results, tmp_path: Path
) -> None:
    """The same number of ranks gives the same bytes, wherever they run."""
    last = trained.manifests("train")[-1]
    with worlds(str(tmp_path / "store"), tmp_path) as here:
        copy_before(trained.artifacts.store, here.artifacts.store, last.key)
        assert here.run(last.key, nodes=2) == [0, 0], here.log()
        there = {f.path: f.sha256 for files in last.outputs.values() for f in files}
        assert_same(there, here.files(last.key))
