"""Experiments that want the same steps."""

import secrets

import pytest
from cluster.faults.intact import Intact
from cluster.faults.studies import tiny_study, with_compute
from cluster.harness.experiments import Experiments
from cluster.harness.stub import Stub
from cluster.harness.waiting import until


@pytest.fixture
def two(operator, experiments, stub, job_of):
    """Two studies of one namespace that wait for the same training, until ``two.set()``."""
    gate = stub.hold(kind="train", labels={"stage": "base"})
    experiments.create(tiny_study(), "one")
    stub.working("train")
    experiments.create(tiny_study(seeds=[0, 1]), "two")
    until(lambda: owners(job_of("train")) == ["one", "two"], 60, what="both own the Job")
    return gate


def owners(job) -> list[str]:
    named = [owner["name"] for owner in job["metadata"].get("ownerReferences", [])]
    labelled = [
        name.removeprefix("member.clt.dev/")
        for name in job["metadata"]["labels"]
        if name.startswith("member.clt.dev/")
    ]
    assert sorted(named) == sorted(labelled)
    return sorted(named)


def test_what_two_studies_share_is_computed_once(two, stub, assert_intact):
    two.set()
    assert_intact("one")
    assert_intact("two")
    assert set(stub.commits().values()) == {1}
    assert {record.outcome for record in stub.records} == {"committed"}


@pytest.mark.parametrize("end", ["delete", "suspend", "cancel"])
def test_a_job_stays_for_the_other_owner(two, experiments, stub, job_of, assert_intact, end):
    job = job_of("train")
    if end == "delete":
        experiments.delete("one")
    else:
        experiments.change({end: True}, "one")
    until(lambda: owners(job_of("train")) == ["two"], 60, what="one left")
    two.set()
    assert_intact("two")
    if end != "delete":
        assert_intact.no_leftovers("one")
    assert [r.outcome for r in stub.attempts(key=stub.attempts(kind="train")[0].key)] == [
        "committed"
    ]
    assert set(stub.commits().values()) == {1}
    assert job["metadata"]["uid"]


def test_two_namespaces_that_compute_the_same_key_are_both_complete(
    operator_as, cluster, namespace, store, experiments, stub, pods, assert_intact
):
    other = cluster.make_namespace(f"second-{secrets.token_hex(3)}")
    operator_as("operator", f"--namespace={other}")
    elsewhere = Experiments(cluster.client, other)
    spec = with_compute(tiny_study(), "train", image="missing.invalid/clt-jobs:1")
    gate = stub.hold(kind="train")
    with Stub(cluster.client, other, store.environment) as second:
        second.script.add(kind="train", gate=gate)
        experiments.create(spec)
        elsewhere.create(spec)

        def pending(found) -> list[str]:
            waiting = found.all("clt.dev/kind=train", phase="Pending")
            return [pod["metadata"]["name"] for pod in waiting if "nodeName" in pod["spec"]]

        there = cluster.pods(other)
        until(lambda: pending(pods) and pending(there), 60, what="both wait for the image")

        artifacts = store.artifacts

        def over() -> bool:
            for found in (pods, there):
                for name in pending(found):
                    found.found(name)
            if any(len(numbers) == 2 for numbers in artifacts.attempt_numbers().values()):
                gate.set()  # both claimed it
            return all(
                e.condition("Complete").get("status") == "True" for e in (experiments, elsewhere)
            )

        until(over, 120, what="both are complete", pause=0.2)
        assert_intact()
        Intact(cluster, store, elsewhere)()
        discarded = [r for r in (*stub.records, *second.records) if r.outcome == "lost-race"]
        assert {record.kind for record in discarded} >= {"train"}
    cluster.remove_namespace(other)
