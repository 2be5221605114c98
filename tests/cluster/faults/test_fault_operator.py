"""The operator is killed, paused, doubled, and started again with nothing to do."""

import random

import pytest
from cluster.faults.studies import tiny_study
from cluster.harness.experiments import manifest
from cluster.harness.waiting import until

KILLS = 20


def leads(operator) -> bool:
    return operator.metrics().get("clt_operator_leader") == 1.0


def looks(operator) -> float:
    return operator.metrics()["clt_operator_reconcile_seconds_count"]


@pytest.mark.slow_fault
def test_twenty_kills_at_random_moments_cost_a_study_of_two_hundred_steps_nothing(
    start_operator, experiments, stub, cluster, namespace, assert_intact
):
    """Without a lease, so that each new process acts at once; killed after some number of
    attempts that is drawn at random, also while it starts."""
    stub.add(delay=0.5)
    last = stub.hold(kind="report")
    spec = tiny_study(seeds=list(range(14)))
    spec["compute"]["maxParallel"] = 6
    operator = start_operator("--no-leader-election")
    experiments.create(spec)
    for moment in sorted(random.Random(4).sample(range(1, 205), KILLS)):  # noqa: S311
        until(
            lambda moment=moment: len(stub.records) >= moment,
            60,
            what=f"{moment} attempts",
            pause=0.01,
        )
        operator.kill()
        operator.start(ready=False)
    last.set()
    assert_intact(told=False)
    assert len(set(stub.commits())) == 211
    assert set(stub.commits().values()) == {1}
    assert {record.outcome for record in stub.records} == {"committed"}


def test_a_standby_is_ready_and_writes_nothing_until_the_leader_is_killed(
    operator_as, cluster, namespace, experiments, stub, assert_intact
):
    first = operator_as("first")
    until(lambda: leads(first), 30, what="the first one leads")
    second = operator_as("second")
    standby = f"system:serviceaccount:{namespace}:second"
    mark = cluster.audit.mark()
    gate = stub.hold(kind="train")
    experiments.create(tiny_study())
    stub.working("train")
    assert second.status("/readyz") == 200
    assert not leads(second)
    assert cluster.audit.writes(mark, user=standby) == []
    first.kill()
    gate.set()
    until(lambda: leads(second), 40, what="the second one leads")
    assert_intact(told=False)
    assert cluster.audit.writes(mark, user=standby) != []


@pytest.mark.slow_fault
def test_a_leader_frozen_past_its_lease_writes_nothing_before_it_leads_again(
    operator_as, cluster, namespace, experiments, stub, assert_intact
):
    first = operator_as("first")
    until(lambda: leads(first), 30, what="the first one leads")
    second = operator_as("second")
    gate = stub.hold(kind="train")
    experiments.create(tiny_study())
    stub.working("train")
    first.freeze()
    gate.set()
    until(lambda: leads(second), 40, what="the second one leads")
    assert_intact(told=False)
    more = stub.hold(kind="generate")
    experiments.create(tiny_study(seeds=[0, 1]), "more")
    stub.working("generate")
    mark = cluster.audit.mark()
    frozen = f"system:serviceaccount:{namespace}:first"
    first.thaw()
    until(lambda: not leads(first), 30, what="the first one knows that it leads no more")
    more.set()
    assert_intact("more")
    assert first.status("/readyz") == 200
    assert cluster.audit.writes(mark, user=frozen) == []
    second.kill()
    until(lambda: leads(first), 40, what="the first one leads again")
    third = tiny_study(seeds=[0, 2])
    experiments.create(third, "third")
    assert_intact("third", told=False)
    assert cluster.audit.writes(mark, user=frozen) != []


def test_a_finished_study_is_not_written_to_again(
    operator, cluster, namespace, experiments, stub, assert_intact
):
    study = manifest(tiny_study(), "study", namespace)
    cluster.apply(study)
    assert_intact()
    user = f"system:serviceaccount:{namespace}:operator"
    mark = cluster.audit.mark()
    cluster.apply(study)  # again
    seen = looks(operator)
    note = {"metadata": {"annotations": {"example.org/note": "looks again"}}}
    cluster.client.patch(f"{experiments.path}/study", note)
    until(lambda: looks(operator) > seen, 30, what="it looked again")
    operator.stop()
    operator.start()
    until(lambda: leads(operator) and looks(operator) > 0, 30, what="a new one looked")
    assert cluster.audit.writes(mark, user=user) == []
    assert set(stub.commits().values()) == {1}
