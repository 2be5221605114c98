"""Experiments are edited, suspended, cancelled, deleted and made again while they run."""

import secrets

import pytest
from cluster.faults.studies import tiny_study
from cluster.harness.experiments import Experiments
from cluster.harness.stub import Stub
from cluster.harness.waiting import until


@pytest.fixture
def training(operator, experiments, stub):
    """A study is under way up to its first training, which works until ``training.set()``."""
    gate = stub.hold(kind="train", labels={"stage": "base"})
    experiments.create(tiny_study())
    stub.working("train")
    return gate


@pytest.fixture
def runs(operator, experiments, stub, pods):
    """A study is under way up to the trainings of its runs, which work until ``runs.set()``."""
    gate = stub.hold(kind="train", labels={"sweep": "add-languages"})
    experiments.create(tiny_study())

    def working() -> bool:
        running = pods.all("clt.dev/kind=train,clt.dev/sweep=add-languages", phase="Running")
        return len(running) == 2

    until(working, 60, what="both runs are trained")
    return gate


def no_jobs(cluster, namespace) -> None:
    until(lambda: not cluster.jobs(namespace), 45, what="no Job is left")


def saved(stub) -> list[str]:
    return [record.key for record in stub.records if record.outcome == "saved"]


def computed_once(stub) -> bool:
    return set(stub.commits().values()) == {1}


def test_a_language_added_while_it_runs_computes_nothing_again(
    training, experiments, stub, assert_intact
):
    experiments.change({"languages": {"evaluate": ["en", "es", "ja"]}})
    experiments.wait_status(lambda status: status.get("observedGeneration") == 2)
    training.set()
    assert_intact()
    assert computed_once(stub)
    assert {record.outcome for record in stub.records} == {"committed"}


def test_a_language_added_after_the_end_computes_what_is_new_alone(
    operator, experiments, stub, assert_intact
):
    experiments.create(tiny_study())
    assert_intact()
    before = set(stub.commits())
    experiments.change({"languages": {"evaluate": ["en", "es", "ja"]}})
    experiments.wait_status(lambda status: status.get("observedGeneration") == 2)
    assert_intact()
    assert computed_once(stub)
    assert {r.kind for r in stub.records if r.key not in before} >= {"generate", "report"}
    assert "train" not in {r.kind for r in stub.records if r.key not in before}


def test_a_hyper_parameter_changed_stops_what_nobody_wants_any_more(
    runs, experiments, stub, cluster, namespace, assert_intact
):
    old = {job["metadata"]["name"] for job in cluster.jobs(namespace, "clt.dev/kind=train")}
    experiments.change({"train": {"learningRate": 1e-3}})

    def replaced() -> bool:
        jobs = {job["metadata"]["name"] for job in cluster.jobs(namespace, "clt.dev/kind=train")}
        return len(jobs - old) == 2 and not jobs & old

    until(replaced, 60, what="the Jobs of the old runs went, those of the new ones came")
    until(lambda: len(saved(stub)) == 2, 30, what="the old runs saved")
    runs.set()
    assert_intact()
    trained = [r for r in stub.attempts(kind="train") if r.outcome == "committed"]
    assert len(trained) == 3  # the base, once, and the new runs
    assert computed_once(stub)


def test_an_edit_that_is_refused_leaves_what_runs_alone(
    training, experiments, stub, cluster, namespace, assert_intact
):
    experiments.change({"compute": {"train": {"pool": "nowhere"}}})
    experiments.wait("Accepted", "False", reason="InvalidSpec")
    assert "nowhere" in experiments.condition("Accepted")["message"]
    assert experiments.status()["phase"] == "Rejected"
    assert saved(stub) == []
    training.set()
    until(lambda: stub.attempts(kind="train"), 30, what="the training goes on to its end")
    experiments.change({"compute": {"train": {"pool": "cpu"}}})
    assert_intact()
    assert computed_once(stub)


def test_a_suspended_study_has_no_jobs_and_goes_on_when_it_is_resumed(
    training, experiments, stub, cluster, namespace, assert_intact
):
    experiments.change({"suspend": True})
    status = experiments.wait("Suspended")
    assert status["phase"] == "Suspended"
    no_jobs(cluster, namespace)
    experiments.change({"suspend": False})
    stub.working("train")
    training.set()
    assert_intact()
    assert cluster.events(namespace, "Resumed")
    assert computed_once(stub)


def test_a_cancelled_study_ends_and_keeps_what_it_committed(
    training, experiments, stub, store, cluster, namespace, assert_intact
):
    committed = store.artifacts.committed()
    experiments.change({"cancel": True})
    status = experiments.wait("Failed", reason="Cancelled")
    assert status["phase"] == "Cancelled"
    no_jobs(cluster, namespace)
    assert_intact.no_leftovers()
    assert_intact.store_agrees(store.artifacts, {})
    assert store.artifacts.committed() >= committed
    assert assert_intact.root()


def test_a_deleted_study_leaves_its_artifacts_and_nothing_else(
    training, experiments, store, assert_intact
):
    committed = store.artifacts.committed()
    experiments.delete()
    assert_intact.no_leftovers()
    until(lambda: assert_intact.root() is None, 30, what="the root was dropped")
    assert_intact.store_agrees(store.artifacts, {})
    assert store.artifacts.committed() >= committed


def test_a_study_deleted_while_no_operator_runs_is_forgotten_by_the_next_one(
    training, operator, experiments, store, assert_intact
):
    operator.stop()
    experiments.delete()
    assert_intact.no_leftovers()
    assert assert_intact.root()
    operator.start()
    until(lambda: assert_intact.root() is None, 30, what="the root was dropped")
    assert_intact.store_agrees(store.artifacts, {})


@pytest.mark.parametrize("watched", [True, False], ids=["watched", "unwatched"])
def test_a_study_deleted_and_made_again_goes_on_where_it_was(
    training, operator, experiments, stub, assert_intact, watched
):
    if not watched:
        operator.stop()
    experiments.delete()
    experiments.create(tiny_study())
    if not watched:
        operator.start()
    stub.working("train")
    training.set()
    assert_intact()
    assert computed_once(stub)


def test_a_complete_study_made_again_is_complete_at_once(
    operator, experiments, stub, assert_intact
):
    experiments.create(tiny_study())
    experiments.wait()
    attempts = len(stub.records)
    experiments.delete()
    experiments.create(tiny_study())
    assert_intact(seconds=30)
    assert len(stub.records) == attempts


def test_a_deleted_namespace_takes_its_study_along(
    operator_as, cluster, namespace, store, crd_installed, assert_intact
):
    other = cluster.make_namespace(f"ends-{secrets.token_hex(3)}")
    operator = operator_as("operator", f"--namespace={other}")
    experiments = Experiments(cluster.client, other)
    with Stub(cluster.client, other, store.environment) as stub:
        stub.hold(kind="train")
        experiments.create(tiny_study())
        stub.working("train")
        cluster.client.delete(f"/api/v1/namespaces/{other}")
        until(
            lambda: cluster.client.find(f"/api/v1/namespaces/{other}") is None,
            60,
            what="the namespace is gone",
        )
        artifacts = store.artifacts
        until(lambda: artifacts.root(other, "study") is None, 30, what="the root was dropped")
        assert_intact.store_agrees(artifacts, {})
    assert operator.status("/healthz") == 200
    errors = {name: value for name, value in operator.metrics().items() if "errors" in name}
    assert sum(errors.values()) < 5
