"""A training that is deleted, drained and killed for memory while its study runs.

Deletion and drain cost no attempt that counts: the runner saves when it is told to stop, and the
next pod goes on from there. Being killed for memory counts (promise 6: the next try has no more of
it), once. Whatever happened, the tables are those of a run to which nothing did.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml
from cluster.harness.experiments import Experiments
from e2e.harness.faults import Faults
from e2e.harness.installation import Installation
from e2e.harness.node import Node
from e2e.harness.results import Results, assert_same, tables
from e2e.harness.site import timed
from support.studies import small_quickstart

TEAM = "team-b"
NAME = "disrupted"
SECONDS = 900
STEPS = 3000  # of each training: it lasts long enough to be met three times
AT_WORK = f"/{STEPS} "  # a line such as "step 17/3000  loss 2.1", also of one that goes on


def study() -> dict[str, Any]:
    """Small, with trainings that last: each long enough to be met by a fault."""
    data = small_quickstart()
    data["metadata"]["name"] = NAME
    spec = data["spec"]
    spec["train"] |= {"steps": STEPS}
    spec["seeds"] = [0]
    return data


@pytest.fixture(scope="module")
def spec(installation: Installation) -> Path:
    path = installation.directory / f"{NAME}.yaml"
    path.write_text(yaml.safe_dump(study(), allow_unicode=True), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def here(installation: Installation, spec: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store on this machine, with the same study, to which nothing happened."""
    store = tmp_path_factory.mktemp("undisturbed") / "store"
    with timed("undisturbed study on this machine"):
        installation.run("cltctl", "apply", str(spec), "--local", "--store", str(store))
    return store


@pytest.fixture(scope="module")
def met() -> dict[str, str]:
    """The uid of the pod that each fault met."""
    return {}


@pytest.fixture(scope="module")
def disrupted(
    installation: Installation, nodes: tuple[Node, ...], spec: Path, met: dict[str, str]
) -> Results:
    """The study's results on the cluster, after the three faults."""
    faults = Faults(installation.site.cluster, TEAM)
    with timed("disrupted study on the cluster"):
        installation.run("cltctl", "apply", str(spec), "-n", TEAM)
        for happens in (faults.delete, faults.drain, faults.run_out_of_memory):
            pod = faults.running("train", unlike=met.values(), says=AT_WORK)
            met[happens.__name__] = pod["metadata"]["uid"]
            happens(pod)
        studies = Experiments(installation.site.cluster.client, TEAM)
        studies.wait("Complete", name=NAME, seconds=SECONDS)
    return Results(installation.store_of(TEAM), TEAM, NAME, installation.site.storage.environment)


def test_promise_deletion_and_drain_cost_no_counted_attempt(disrupted: Results) -> None:
    assert not disrupted.missing()
    assert disrupted.charged() == {"out-of-memory": 1}


def test_each_fault_ended_the_attempt_that_it_met(disrupted: Results, met: dict[str, str]) -> None:
    ended = disrupted.endings()
    assert {fault: ended.get(uid) for fault, uid in met.items()} == {
        "delete": "saved",
        "drain": "saved",
        "run_out_of_memory": "out-of-memory",
    }


def test_a_training_that_was_told_to_stop_goes_on_where_it_saved(disrupted: Results) -> None:
    taken_up = [m.provenance["resumed_from"] for m in disrupted.manifests("train")]
    steps = [int(name.rpartition("-")[2]) for name in taken_up if name]
    assert steps
    assert all(0 < step < STEPS for step in steps), taken_up


def test_the_results_are_those_of_an_undisturbed_run(
    installation: Installation, disrupted: Results, here: Path, tmp_path: Path
) -> None:
    local = Results(str(here), "default", NAME)
    assert_same(disrupted.digests(), local.digests())
    for name, place in {"there": ["-n", TEAM], "here": ["--store", str(here)]}.items():
        part = ["--part", "tables", "--to", str(tmp_path / name)]
        installation.run("cltctl", "report", NAME, *place, *part)
    assert_same(tables(tmp_path / "there"), tables(tmp_path / "here"))
