"""Ranks on one pod and on two: one attempt, one artifact, one exit code, whatever goes wrong."""

import os
import signal

import pytest
from services import versitygw
from support.worlds import put_training, ranks_of, worlds

pytestmark = pytest.mark.xdist_group("worlds")  # what it is made of is made once

PODS = {"nodes": 2, "per_node": 1}
RANKS = {"nodes": 1, "per_node": 2}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("worlds")


@pytest.fixture(scope="module")
def store(home):
    return str(home / "store")


@pytest.fixture
def world(store, tmp_path):
    with worlds(store, tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def undisturbed(store, home):
    """A training that two ranks of one pod ran without a disturbance: key, files, exit codes."""
    with worlds(store, home) as made:
        key = put_training(made.artifacts, home / "inputs")
        codes = made.run(key, **RANKS)
        return key, made.files(key) if codes == [0] else made.log(), codes


def test_two_ranks_of_a_pod_commit_once(world, undisturbed):
    key, files, codes = undisturbed
    assert codes == [0], files
    (state,) = world.artifacts.attempts(key)
    assert (state.claim.holder, state.outcome.outcome) == ("pod:pod-0", "committed")
    provenance = world.artifacts.manifest(key).provenance
    assert provenance["world"] == {"size": 2, "nodes": 1, "backend": "gloo"}
    assert b"step 120/120" in world.artifacts.log(key, 1)


def test_what_is_committed_costs_no_rank_an_attempt(world, undisturbed):
    key, _, _ = undisturbed
    assert world.run(key, **PODS) == [0, 0], world.log()
    assert world.outcomes(key) == ["committed"]


def test_promise_exit_codes_of_pods_through_a_kill_and_a_stop(world, undisturbed, tmp_path):
    """A rank is killed, then the second pod is asked to stop, then nothing happens."""
    _, files, _ = undisturbed
    key = put_training(world.artifacts, tmp_path / "inputs")
    with worlds(str(tmp_path / "other"), tmp_path) as made:
        assert put_training(made.artifacts, tmp_path / "inputs") == key
        made.start(key, **PODS)
        made.wait_until_saved(key, 1)
        os.kill(ranks_of(made.pods[1])[0], signal.SIGKILL)
        assert made.codes() == [74, 74], made.log()
        assert made.outcomes(key) == [None], "the driver sees how the pods ended"

        made.start(key, **PODS)
        made.wait_until_saved(key, 2)
        made.pods[1].send_signal(signal.SIGTERM)
        assert made.codes() == [75, 75], made.log()
        assert made.outcomes(key) == [None, "saved"]

        assert made.run(key, **PODS) == [0, 0], made.log()
        assert made.outcomes(key) == [None, "saved", "committed"]
        assert made.artifacts.manifest(key).provenance["resumed_from"].startswith("0002-")
        assert made.files(key) == files, "as if it had never stopped"


def test_a_damaged_input_is_at_fault_on_every_pod(tmp_path):
    with worlds(str(tmp_path / "store"), tmp_path) as made:
        key = put_training(made.artifacts, tmp_path / "inputs")
        path = made.artifacts.store.local_path(
            f"attempts/{'b' * 64}/0001/files/tokens/tokens.parquet"
        )
        path.chmod(0o644)
        path.write_bytes(b"damaged")
        assert made.run(key, **PODS) == [65, 65], made.log()
        assert made.outcomes(key) == ["input-at-fault"]


def test_a_world_over_s3(tmp_path, monkeypatch):
    binary = versitygw.built_or_skipped()
    with versitygw.running(binary, tmp_path) as gateway:
        gateway.make_bucket("worlds")
        for name, value in gateway.environment.items():
            monkeypatch.setenv(name, value)
        with worlds("s3://worlds/one", tmp_path, **gateway.environment) as made:
            key = put_training(made.artifacts, tmp_path / "inputs", steps=8)
            assert made.run(key, **PODS) == [0, 0], made.log()
            assert made.outcomes(key) == ["committed"]


def test_a_pod_that_does_not_come_is_a_fault_that_may_pass_and_no_attempt(world, tmp_path):
    key = put_training(world.artifacts, tmp_path / "inputs", seed=1)
    first, second = world.start(key, **PODS, CLT_RENDEZVOUS_SECONDS="3")
    second.kill()
    assert first.wait(timeout=60) == 74
    assert "rank 1 (node 1) did not come" in world.log()
    assert world.outcomes(key) == []
