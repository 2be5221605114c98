"""Pods that work together end together: when is an attempt over, and who was taken away."""

from types import SimpleNamespace

import pytest

from clt_operator.api.step import Claim
from clt_operator.drivers.cluster import verdicts
from clt_operator.drivers.cluster.view import ClusterView
from clt_operator.drivers.cluster.world import Caches
from clt_operator.render.pod import RANK_LABEL
from clt_operator.store.artifacts import AttemptState


def pod(at, phase="Running", *, ranks=True, disruption=""):
    condition = {"type": "DisruptionTarget", "status": "True", "reason": disruption}
    return {
        "metadata": {
            "name": f"pod-{at}",
            "namespace": "lab",
            "uid": f"uid-{at}",
            "labels": {RANK_LABEL: str(at)} if ranks else {},
            "ownerReferences": [{"kind": "Job", "name": "job", "uid": "uid-job"}],
        },
        "status": {"phase": phase, "conditions": [condition] if disruption else []},
    }


@pytest.fixture
def caches():
    """Caches without a watch: pods are put in by hand."""
    api = SimpleNamespace(limited=lambda patience: None)
    made = Caches(api, (), lambda _namespace, _name: None)
    made.here = []
    made.pods = lambda job_uid: made.here
    made.pod = lambda uid: next((p for p in made.here if p["metadata"]["uid"] == uid), None)
    made.job = lambda _namespace, _name: None
    return made


def holder(caches, uid="uid-0"):
    view = ClusterView.__new__(ClusterView)
    view._world = caches
    claim = Claim(key="a" * 64, attempt=1, holder=f"pod:{uid}", claimed_at="")
    return view.holder_of(AttemptState(claim, None))


@pytest.mark.parametrize(
    ("others", "ranks", "expected"),
    [("Running", True, "alive"), ("Failed", True, "gone"), ("Running", False, "gone")],
    ids=["a pod goes on", "all have ended", "a pod that took its place"],
)
def test_an_attempt_is_over_when_the_last_of_its_pods_has_ended(caches, others, ranks, expected):
    caches.here = [pod(0, "Failed", ranks=ranks), pod(1, others, ranks=ranks)]
    assert holder(caches) == expected


def test_a_pod_that_was_taken_away_is_remembered_when_it_is_gone(caches):
    assert not caches.disrupted("uid-job")
    caches._pod_changed("MODIFIED", pod(1), pod(1, "Failed", disruption="EvictionByEvictionAPI"))
    caches._pod_changed("DELETED", pod(1, "Failed"), None)
    assert caches.disrupted("uid-job")


def test_pods_are_of_a_world_by_their_rank():
    assert verdicts.is_of_world(pod(0))
    assert not verdicts.is_of_world(pod(0, ranks=False))
