"""Where the API serves what."""

import pytest

from clt_operator.cluster.resources import (
    CLUSTER_QUEUES,
    EXPERIMENTS,
    JOBS,
    NODES,
    PODS,
    WORKLOADS,
)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (JOBS.path("team", "j"), "/apis/batch/v1/namespaces/team/jobs/j"),
        (JOBS.path("team"), "/apis/batch/v1/namespaces/team/jobs"),
        (JOBS.path(), "/apis/batch/v1/jobs"),
        (PODS.path("team", "p", "log"), "/api/v1/namespaces/team/pods/p/log"),
        (NODES.path("", "n"), "/api/v1/nodes/n"),
        (NODES.path("team", "n"), "/api/v1/nodes/n"),
        (
            EXPERIMENTS.path("team", "e", "status"),
            "/apis/clt.dev/v1alpha1/namespaces/team/experiments/e/status",
        ),
        (
            WORKLOADS.at("v1beta1").path("t"),
            "/apis/kueue.x-k8s.io/v1beta1/namespaces/t/workloads",
        ),
        (CLUSTER_QUEUES.path(), "/apis/kueue.x-k8s.io/v1beta2/clusterqueues"),
    ],
)
def test_paths(path, expected):
    assert path == expected


def test_a_name_cannot_leave_its_place():
    assert PODS.path("a/../b", "../../secrets") == (
        "/api/v1/namespaces/a%2F..%2Fb/pods/..%2F..%2Fsecrets"
    )


def test_a_namespaced_object_needs_its_namespace():
    with pytest.raises(ValueError, match="Job j needs a namespace"):
        JOBS.path("", "j")


def test_a_subresource_needs_an_object():
    with pytest.raises(ValueError, match="status"):
        JOBS.path("team", "", "status")
