"""What is rendered, and what the examples say, a real API server takes word for word."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from cluster.harness.waiting import until
from support.render_samples import COMPUTE, SETTINGS, samples, score_steps, train_step

from clt_operator.api.profiles import CacheProfile, Owner, PoolProfile
from clt_operator.cluster.errors import Forbidden
from clt_operator.cluster.profiles import load_profiles
from clt_operator.cluster.resources import SECRETS
from clt_operator.render.job import MAX_KEYS, render_batch

EXAMPLES = Path(__file__).parents[2] / "examples"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
READS_PROFILES = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]


def everything():
    """Every sample, a cache that is a claim, and the largest Job with the longest owner."""
    yield from (manifest for made in samples().values() for manifest in made)
    claim = {"gpu": PoolProfile(weight_cache=CacheProfile(claim="weights"))}
    yield from render_batch([train_step(7)], COMPUTE, replace(SETTINGS, pools=claim))
    yield from render_batch(score_steps(MAX_KEYS), COMPUTE, SETTINGS, Owner("s" * 63))


def in_namespace(manifest, namespace):
    return {**manifest, "metadata": {**manifest["metadata"], "namespace": namespace}}


def pod_of(job, namespace):
    """A pod of the Job, without what only the platform's own classes could admit."""
    template = job["spec"]["template"]
    classes = ("priorityClassName", "runtimeClassName", "serviceAccountName")
    spec = {name: value for name, value in template["spec"].items() if name not in classes}
    metadata = {"generateName": "pod-", "namespace": namespace, **template["metadata"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@pytest.fixture
def restricted(cluster, namespace):
    cluster.kubectl("label", "namespace", namespace, *(f"{k}={v}" for k, v in RESTRICTED.items()))
    account = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
    until(lambda: cluster.client.find(account), 60, what="the namespace has its service account")
    return namespace


def test_promise_least_privilege_every_manifest_passes_strictly_and_its_pods_are_restricted(
    cluster, restricted
):
    created = [in_namespace(manifest, restricted) for manifest in everything()]
    pods = [pod_of(job, restricted) for job in created if job["kind"] == "Job"]
    for manifest in (*created, *pods):
        cluster.kubectl(
            "create", "--validate=strict", "--dry-run=server", "-f", "-",
            stdin=json.dumps(manifest),
        )  # fmt: skip


def test_the_namespace_of_that_test_does_refuse_pods(cluster, restricted):
    job = next(manifest for manifest in everything() if manifest["kind"] == "Job")
    pod = pod_of(job, restricted)
    pod["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    with pytest.raises(AssertionError, match="violates PodSecurity"):
        cluster.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(pod))


def test_promise_least_privilege_profiles_are_read_without_a_right_to_secrets(cluster, namespace):
    example = yaml.safe_load((EXAMPLES / "profiles.yaml").read_text())
    cluster.apply(in_namespace(example, namespace))
    api = cluster.api(cluster.account(namespace, "operator", rules=READS_PROFILES))
    assert set(load_profiles(api, namespace).stores) == {"research", "students"}
    with pytest.raises(Forbidden):
        api.find(SECRETS, "research-store", namespace)
