"""Who may do what on a cluster where everything runs, and what pods of Jobs hold."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cluster.harness.client import Refused
from cluster.harness.cluster import Cluster
from cluster.harness.operator import RIGHTS
from e2e.harness import cgroups
from e2e.harness.faults import Faults
from e2e.harness.installation import JOBS, SYSTEM, TAG, TEAMS, Installation
from e2e.harness.node import Node
from support.studies import small_quickstart

TEAM = "team-c"
NAME = "holds-no-token"
STEPS = 2000  # of each training: long enough to be looked at
TOKENS = "/var/run/secrets"
ACCOUNT = f"system:serviceaccount:{SYSTEM}:clt-operator"
ROW = re.compile(r"^(\S+)\s+\[(.*?)\]\s+\[(.*?)\]\s+\[(.*?)\]$")

Json = dict[str, Any]
Right = tuple[str, str, str]  # resource.group, name or nothing, verb


def documented(rules: list[Json]) -> set[Right]:
    """Of charts/clt/files/rights.yaml, from which docs/reference/rights.md is made."""
    return {
        (named(resource, group), name, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames") or [""]
        for verb in rule["verbs"]
    }


def named(resource: str, group: str) -> str:
    """As kubectl writes it: the group after the resource, a subresource behind both."""
    name, slash, below = resource.partition("/")
    return f"{name}.{group}".rstrip(".") + slash + below


def may(cluster: Cluster, user: str, namespace: str) -> set[Right]:
    """``kubectl auth can-i --list``, less what everybody may."""

    def listed(name: str) -> set[Right]:
        groups = ["system:authenticated"]
        if name.startswith("system:serviceaccount:"):
            groups += ["system:serviceaccounts", f"system:serviceaccounts:{name.split(':')[2]}"]
        as_groups = [f"--as-group={group}" for group in groups]
        text = cluster.kubectl(
            "auth", "can-i", "--list", f"--as={name}", *as_groups, "-n", namespace
        )
        rows = [row for line in text.splitlines() if (row := ROW.match(line))]
        return {
            (resource, name, verb)
            for resource, _, names, verbs in (row.groups() for row in rows)
            for name in names.split() or [""]
            for verb in verbs.split()
        }

    return listed(user) - listed("nobody")


@pytest.fixture
def training(installation: Installation) -> Iterator[Json]:
    """A pod of a training that runs; no other study has committed what it computes."""
    data = small_quickstart()
    data["metadata"]["name"] = NAME
    data["spec"]["train"] |= {"steps": STEPS}
    path = installation.directory / f"{NAME}.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    installation.run("cltctl", "apply", str(path), "-n", TEAM)
    try:
        yield Faults(installation.site.cluster, TEAM).running("train")
    finally:
        installation.run("cltctl", "delete", NAME, "-n", TEAM)


def test_the_operator_may_do_what_is_documented_and_nothing_more(
    installation: Installation,
) -> None:
    cluster, rules = installation.site.cluster, RIGHTS["operator"]
    for team in TEAMS:
        assert may(cluster, ACCOUNT, team) == documented(rules["tenant"])
    assert may(cluster, ACCOUNT, SYSTEM) == documented(rules["own"])
    assert may(cluster, ACCOUNT, "kube-system") == set()


def test_every_other_service_account_may_do_nothing(installation: Installation) -> None:
    cluster = installation.site.cluster
    for namespace in (SYSTEM, *TEAMS):
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        for account in cluster.client.items(path):
            user = f"system:serviceaccount:{namespace}:{account['metadata']['name']}"
            if user != ACCOUNT:
                assert may(cluster, user, namespace) == set(), user


def test_promise_least_privilege_a_pod_of_a_job_holds_no_token(
    training: Json, nodes: tuple[Node, ...]
) -> None:
    """Neither in its manifest, nor among the mounts of its process, as this machine sees them."""
    assert training["spec"]["automountServiceAccountToken"] is False
    assert "projected" not in {k for v in training["spec"]["volumes"] for k in v}
    (container,) = training["spec"]["containers"]
    assert not [m for m in container["volumeMounts"] if m["mountPath"].startswith(TOKENS)]
    mounts = mounts_of(training)
    assert "/scratch" in mounts
    assert not [path for path in mounts if path.startswith((TOKENS, "/run/secrets"))]


def test_promise_least_privilege_the_namespaces_refuse_what_is_not_restricted(
    installation: Installation,
) -> None:
    cluster = installation.site.cluster
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "privileged"},
        "spec": {"containers": [{"name": "c", "image": f"{JOBS}:{TAG}"}]},
    }
    for team in TEAMS:
        labels = cluster.client.get(f"/api/v1/namespaces/{team}")["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
        with pytest.raises(Refused, match="violates PodSecurity"):
            cluster.client.create(f"/api/v1/namespaces/{team}/pods", pod)


def test_network_policies_are_there_for_every_team(installation: Installation) -> None:
    """The bridge plug-in of this level's own nodes does not enforce them: what is tested here is
    that they are admitted and select the pods of Jobs. Their content is in the chart's tests."""
    client = installation.site.cluster.client
    for team in TEAMS:
        policies = client.items(f"/apis/networking.k8s.io/v1/namespaces/{team}/networkpolicies")
        assert policies
        selected = [p["spec"]["podSelector"].get("matchLabels", {}) for p in policies]
        assert {"app.kubernetes.io/managed-by": "clt"} in selected


def mounts_of(pod: Json) -> list[str]:
    """Where something is mounted for the first process of the pod's container."""
    container = pod["status"]["containerStatuses"][0]["containerID"].rpartition("/")[2]
    pid = (cgroups.container_group(container) / "cgroup.procs").read_text().split()[0]
    lines = Path("/proc", pid, "mounts").read_text().splitlines()
    return [line.split()[1] for line in lines]
