"""The harness keeps its word: what other tests lean on is tried here once."""

import secrets

import pytest
from cluster.harness.client import Client, Refused
from cluster.harness.cluster import Cluster
from cluster.harness.pods import Pods
from cluster.harness.steps import fetch_steps, job_of, launch
from cluster.harness.store import Store
from cluster.harness.stub import Stub
from cluster.harness.waiting import until

from clt_operator.api.errors import TransientError


@pytest.fixture
def run(cluster: Cluster, namespace: str, store: Store):
    """Launches one Job of so many steps; its name and their keys."""

    def launched(count: int = 1, **job: str) -> tuple[str, list[str]]:
        steps = fetch_steps(count)
        made = job_of(steps, namespace, store, **job)
        return launch(cluster.client, store, made, steps), [step.key for step in steps]

    return launched


@pytest.fixture
def job(cluster: Cluster, namespace: str):
    """Reads a Job by its name."""
    return lambda name: cluster.client.get(f"/apis/batch/v1/namespaces/{namespace}/jobs/{name}")


def ends(job, name: str, kind: str) -> dict:
    def over():
        conditions = job(name)["status"].get("conditions", [])
        return next((c for c in conditions if c["type"] == kind and c["status"] == "True"), None)

    return until(over, 60, what=f"Job {name} is {kind}")


def running_pod(pods: Pods, name: str, *, other_than: str = "", seconds: float = 60) -> dict:
    def running():
        found = [p for p in pods.of_job(name) if p["status"].get("phase") == "Running"]
        found = [p for p in found if not p["metadata"].get("deletionTimestamp")]
        return next((p for p in found if p["metadata"]["name"] != other_than), None)

    return until(running, seconds, what=f"Job {name} has a running pod")


def waiting_reason(pods: Pods, name: str) -> str | None:
    statuses = [s for p in pods.of_job(name) for s in p["status"].get("containerStatuses", [])]
    return next((s["state"]["waiting"]["reason"] for s in statuses if "waiting" in s["state"]), "")


def test_the_control_plane_answers_with_its_version_and_nodes(cluster):
    assert cluster.client.get("/version")["gitVersion"].startswith("v1.")
    assert "cpu-0" in cluster.kubectl("get", "nodes", "-l", "clt.dev/pool=cpu")


def test_a_job_runs_through_and_its_steps_are_committed_once(run, job, stub, store):
    name, keys = run(3)
    ends(job, name, "Complete")
    assert store.artifacts.committed() == set(keys)
    assert stub.commits() == dict.fromkeys(keys, 1)
    (state,) = store.artifacts.attempts(keys[0])
    assert state.outcome.outcome == "committed"
    assert state.claim.holder.startswith("pod:")


def test_a_pod_that_nobody_plays_does_not_end(run, job, pods):
    name, _ = run()
    running_pod(pods, name)
    assert not job(name)["status"].get("succeeded")


@pytest.mark.parametrize(
    ("ends_by", "code", "outcomes", "reason"),
    [
        ("fail", 65, ["input-at-fault"], "Error"),
        ("fail", 74, ["transient"], "Error"),
        ("silent", 3, [None], "Error"),
        ("oom", 137, [None], "OOMKilled"),
        ("killed", 137, [None], "Error"),
    ],
)
def test_a_step_fails_as_it_is_told(run, job, pods, stub, store, ends_by, code, outcomes, reason):
    stub.add(ends=ends_by, code=code)
    name, keys = run()
    ends(job, name, "Failed")
    (pod,) = pods.of_job(name)
    ended = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (code, reason)
    states = store.artifacts.attempts(keys[0])
    assert [s.outcome and s.outcome.outcome for s in states] == outcomes
    assert not store.artifacts.committed()


def test_a_container_killed_after_its_commit_leaves_an_artifact_without_outcome(
    run, job, stub, store
):
    stub.add(ends="killed after commit", times=1)
    name, keys = run()
    ends(job, name, "Failed")
    assert store.artifacts.committed() == set(keys)
    assert store.artifacts.attempts(keys[0])[0].outcome is None


def test_an_evicted_pod_saves_and_its_replacement_commits(run, job, pods, stub, store):
    gate = stub.hold()
    name, keys = run()
    evicted = stub.working().pod
    pods.evict(evicted)
    running_pod(pods, name, other_than=evicted)
    gate.set()
    ends(job, name, "Complete")
    outcomes = [s.outcome.outcome for s in store.artifacts.attempts(keys[0])]
    assert outcomes == ["saved", "committed"]


def test_a_deaf_container_is_killed_when_its_grace_is_over(cluster, run, pods, stub):
    stub.add(ends="deaf")
    name, _ = run()
    pod = stub.working().pod
    pods.delete(pod, grace=1)
    until(lambda: pod not in [p["metadata"]["name"] for p in pods.of_job(name)], 30)
    assert [record.outcome for record in stub.records] == [""]


@pytest.fixture
def pod_on_lone_node(cluster: Cluster, run, pods: Pods, stub: Stub):
    """Job, node and pod, at work on a node that a test may lose; the gate that holds it."""
    node = f"cpu-lone-{secrets.token_hex(2)}"
    others = cluster.nodes.names("clt.dev/pool=cpu")
    cluster.nodes.add(node)
    gate = stub.hold()
    cluster.kubectl("cordon", *others)
    try:
        name, _ = run()
        pod = running_pod(pods, name)
    finally:
        cluster.kubectl("uncordon", *others)
    stub.working()
    assert pod["spec"]["nodeName"] == node
    yield name, node, pod["metadata"]["name"], gate
    cluster.nodes.remove(node)


def test_pods_of_a_lost_node_are_replaced_elsewhere(pod_on_lone_node, job, pods, stub):
    name, node, pod, gate = pod_on_lone_node
    pods.lose_node(node)
    running_pod(pods, name, other_than=pod)
    gate.set()
    ends(job, name, "Complete")
    assert [record.outcome for record in stub.records] == ["", "committed"]


@pytest.mark.slow_fault
def test_kubernetes_itself_replaces_pods_of_a_node_that_is_gone(
    cluster, pod_on_lone_node, job, pods, stub
):
    name, node, pod, gate = pod_on_lone_node
    cluster.nodes.remove(node)
    running_pod(pods, name, other_than=pod, seconds=150)
    gate.set()
    ends(job, name, "Complete")
    assert [record.outcome for record in stub.records] == ["", "committed"]


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        ({"image": "missing.invalid/clt"}, "ImagePullBackOff"),
        ({"secret": "missing-credentials"}, "CreateContainerConfigError"),
    ],
)
def test_a_pod_waits_for_what_is_missing_until_it_is_found(run, job, pods, stub, made, reason):
    name, _ = run(**made)
    until(lambda: waiting_reason(pods, name) == reason, 30, what=reason)
    pods.found(pods.of_job(name)[0]["metadata"]["name"])
    ends(job, name, "Complete")


def test_a_frozen_api_server_goes_on_where_it_stood(cluster, run, job, stub):
    gate = stub.hold()
    name, _ = run()
    stub.working()
    with cluster.control.frozen():
        gate.set()
        until(stub.commits, 10, what="the commit, which needs no API server")
    ends(job, name, "Complete")


def test_an_api_server_that_was_away_comes_back_to_the_same_objects(cluster, run, job, stub):
    gate = stub.hold()
    name, _ = run()
    stub.working()
    with cluster.control.api_server_down():
        gate.set()
        until(stub.commits, 10, what="the commit, which needs no API server")
    ends(job, name, "Complete")


def test_a_watch_is_told_410_after_its_history_went(cluster, namespace):
    path = f"/api/v1/namespaces/{namespace}/pods"
    version = cluster.client.get(path)["metadata"]["resourceVersion"]
    cluster.control.expire_watches()
    with pytest.raises(Refused) as refusal:
        cluster.client.events_of(path, version)
    assert refusal.value.status == 410


def test_one_user_is_throttled_and_nobody_else(cluster, namespace):
    user = Client(cluster.account(namespace, "someone", role="view"))
    path = f"/api/v1/namespaces/{namespace}/pods"
    with cluster.control.throttled(f"system:serviceaccount:{namespace}:someone"):
        for _ in range(3):
            with pytest.raises(Refused) as refusal:
                user.get(path)
            assert refusal.value.status == 429
        cluster.client.get(path)
    assert user.items(path) == []


def test_an_account_may_do_what_its_role_says_and_no_more(cluster, namespace):
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]}]
    user = Client(cluster.account(namespace, "reader", rules=rules))
    assert user.items(f"/api/v1/namespaces/{namespace}/pods") == []
    with pytest.raises(Refused) as refusal:
        user.items(f"/api/v1/namespaces/{namespace}/secrets")
    assert refusal.value.status == 403


def test_the_audit_log_tells_who_wrote_what(cluster, namespace):
    user = cluster.account(namespace, "writer", role="edit")
    mark = cluster.audit.mark()
    Client(user).create(
        f"/api/v1/namespaces/{namespace}/configmaps", {"metadata": {"name": "note"}}
    )
    (write,) = cluster.audit.writes(mark, user=f"system:serviceaccount:{namespace}:writer")
    assert (write.verb, write.resource, write.name, write.code) == (
        "create",
        "configmaps",
        "note",
        201,
    )


def test_a_store_that_is_down_refuses_and_comes_back_as_it_was(store):
    key = fetch_steps(1)[0].key
    store.artifacts.claim(key, "pod:x", "2026-01-01T00:00:00Z")
    with store.down(), pytest.raises(TransientError):
        store.artifacts.committed()
    assert store.artifacts.attempt_numbers() == {key: [1]}
