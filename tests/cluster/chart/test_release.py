"""A release on a real API server: installed, upgraded, taken away, installed again.

No kubelet runs here: the operator's pods are made and admitted, and stay pending. The cluster is
this module's own, since names of ClusterRoles and of the definition are fixed.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from cluster.harness.binaries import built_or_skipped
from cluster.harness.cluster import Cluster, given_kubeconfig, own_cluster
from cluster.harness.experiments import small_study
from cluster.harness.operator import RIGHTS
from cluster.harness.waiting import until

from charts.pages import CHART, EXAMPLE, NAMESPACE

TEAM = "team-a"
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:clt-operator"
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
DEFINITION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/experiments.clt.dev"
EXPERIMENT = f"/apis/clt.dev/v1alpha1/namespaces/{TEAM}/experiments/study"
PROFILES = f"/api/v1/namespaces/{NAMESPACE}/configmaps/clt-profiles"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments/clt-operator"
ROLE = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{TEAM}/roles/clt-operator"

Json = dict[str, Any]


@dataclass
class Helm:
    """The program, as administrator of the cluster."""

    program: str
    cluster: Cluster

    def __call__(self, *words: object) -> str:
        kubeconfig = f"--kubeconfig={self.cluster.kubeconfig}"
        command = [self.program, *map(str, words), f"--namespace={NAMESPACE}", kubeconfig]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"helm {words}: {done.stderr.strip()}"
        return done.stdout


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if given_kubeconfig():
        pytest.skip("KUBECONFIG is set: a release would meet what is installed there")
    with own_cluster(tmp_path_factory.mktemp("release"), built_or_skipped(), nodes={}) as made:
        made.make_namespace(NAMESPACE, RESTRICTED)
        yield made


@pytest.fixture(scope="module")
def helm(cluster: Cluster) -> Helm:
    return Helm(cluster.control.binaries["helm"], cluster)


@pytest.fixture(scope="module")
def release(helm: Helm) -> Helm:
    """Installed with the example's values, whatever was there before."""
    helm("upgrade", "clt", CHART, "--install", f"--values={EXAMPLE}")
    return helm


def previous_chart(folder: Path) -> Path:
    """The chart as an earlier release might have been: the definition lacks a field, the
    values lack a switch."""
    chart = folder / "clt"
    shutil.copytree(CHART, chart)
    about = yaml.safe_load((chart / "Chart.yaml").read_text(encoding="utf-8"))
    about |= {"version": "0.0.9", "appVersion": "0.0.9"}
    (chart / "Chart.yaml").write_text(yaml.safe_dump(about), encoding="utf-8")
    path = chart / "files" / "crd.yaml"
    definition = yaml.safe_load(path.read_text(encoding="utf-8"))
    del report_fields(definition)["title"]
    path.write_text(yaml.safe_dump(definition), encoding="utf-8")
    (chart / "templates" / "poddisruptionbudget.yaml").unlink()
    values = yaml.safe_load((chart / "values.yaml").read_text(encoding="utf-8"))
    del values["operator"]["podDisruptionBudget"]
    (chart / "values.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
    (chart / "values.schema.json").unlink()
    return chart


def report_fields(definition: Json) -> Json:
    (version,) = definition["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    fields: Json = spec["properties"]["report"]["properties"]
    return fields


def make_experiment(cluster: Cluster) -> Json:
    spec = small_study(seeds=[0])
    del spec["report"]["title"]
    head = {"apiVersion": "clt.dev/v1alpha1", "kind": "Experiment"}
    cluster.apply({**head, "metadata": {"name": "study", "namespace": TEAM}, "spec": spec})
    return dict(cluster.client.get(EXPERIMENT))


def uids(cluster: Cluster, *paths: str) -> list[str]:
    return [cluster.client.get(path)["metadata"]["uid"] for path in paths]


def test_promise_keys_an_upgrade_and_an_uninstall_keep_experiments(cluster, helm, tmp_path):
    kept = (DEFINITION, EXPERIMENT, PROFILES, f"/api/v1/namespaces/{TEAM}")
    helm("install", "clt", previous_chart(tmp_path), f"--values={EXAMPLE}")
    made = make_experiment(cluster)
    before = uids(cluster, *kept)
    assert "title" not in report_fields(cluster.client.get(DEFINITION))

    with pytest.raises(AssertionError, match=r"/operator.*podDisruptionBudget"):
        helm("upgrade", "clt", CHART, "--reuse-values")
    helm("upgrade", "clt", CHART, f"--values={EXAMPLE}", "--set=operator.replicas=2")
    assert "title" in report_fields(cluster.client.get(DEFINITION))
    assert cluster.client.get(DEPLOYMENT)["spec"]["replicas"] == 2
    assert cluster.client.get(EXPERIMENT)["spec"] == made["spec"]
    assert uids(cluster, *kept) == before

    helm("uninstall", "clt", "--wait")
    assert cluster.client.find(DEPLOYMENT) is None
    assert cluster.client.find(ROLE) is None
    assert cluster.client.get(EXPERIMENT)["spec"] == made["spec"]
    assert uids(cluster, *kept) == before

    helm("install", "clt", CHART, f"--values={EXAMPLE}")
    assert uids(cluster, *kept) == before


def test_promise_least_privilege_the_pods_of_the_release_are_restricted(cluster, release):
    """Its namespace enforces the standard: a pod that breaks it would not be made."""
    pods = cluster.pods(NAMESPACE)
    until(lambda: len(pods.all()) == 1, 30, what="the operator's pod is made")
    (pod,) = pods.all()
    assert pod["spec"]["serviceAccountName"] == "clt-operator"
    hooks = yaml.safe_load(release("get", "hooks", "clt"))
    hooks["metadata"]["namespace"] = NAMESPACE
    create = ("create", "--validate=strict", "--dry-run=server", "-f", "-")
    cluster.kubectl(*create, stdin=json.dumps(hooks))
    team = cluster.client.get(f"/api/v1/namespaces/{TEAM}")
    assert RESTRICTED.items() <= team["metadata"]["labels"].items()


# What each may do


def rights(rules: list[Json]) -> set[tuple[str, ...]]:
    return {
        (group, resource, verb, *sorted(rule.get("resourceNames") or ()))
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def may(cluster: Cluster, namespace: str, user: str, *groups: str) -> set[tuple[str, ...]]:
    """What ``kubectl auth can-i --list`` shows, less what everybody may."""
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }

    def asked(user: str, groups: tuple[str, ...]) -> set[tuple[str, ...]]:
        who = [f"--as={user}", *(f"--as-group={g}" for g in (*groups, "system:authenticated"))]
        text = cluster.kubectl(
            "create", "--validate=false", "-f", "-", "-o", "json", *who, stdin=json.dumps(review)
        )
        status = json.loads(text)["status"]
        assert not status.get("incomplete")
        return rights(status["resourceRules"])

    return asked(user, groups) - asked("nobody", ())


def of_accounts(namespace: str) -> tuple[str, str]:
    return "system:serviceaccounts", f"system:serviceaccounts:{namespace}"


def test_the_operator_may_do_what_is_documented_and_nothing_more(cluster, release):
    own, groups = RIGHTS["operator"], of_accounts(NAMESPACE)
    assert may(cluster, TEAM, ACCOUNT, *groups) == rights(own["tenant"])
    assert may(cluster, NAMESPACE, ACCOUNT, *groups) == rights(own["own"])
    assert may(cluster, "default", ACCOUNT, *groups) == set()


def test_an_editor_may_do_what_is_documented(cluster, release):
    assert may(cluster, TEAM, "ann", TEAM) == rights(RIGHTS["editor"])
    assert may(cluster, NAMESPACE, "ann", TEAM) == rights(RIGHTS["reader"])
    assert may(cluster, "default", "ann", TEAM) == set()


def test_who_has_the_clusters_own_roles_may_use_experiments_too(cluster, release):
    for role, ours in (("view", "viewer"), ("edit", "editor"), ("admin", "editor")):
        binding = f"{role}-{TEAM}"
        cluster.kubectl(
            "create", "rolebinding", binding, f"--clusterrole={role}", f"--user={role}", "-n", TEAM
        )
        wanted = {right for right in rights(RIGHTS[ours]) if right[0] == "clt.dev"}
        until(
            lambda wanted=wanted, role=role: wanted <= may(cluster, TEAM, role),
            30,
            what=f"{role} has the rights of clt-{ours}",
        )
        cluster.kubectl("delete", "rolebinding", binding, "-n", TEAM)


@pytest.mark.parametrize("namespace", [TEAM, NAMESPACE])
def test_the_account_of_jobs_pods_may_do_nothing(cluster, release, namespace):
    account = f"system:serviceaccount:{TEAM}:default"
    assert may(cluster, namespace, account, *of_accounts(TEAM)) == set()


def test_nobody_of_the_release_reads_a_secret(cluster, release):
    people = [(ACCOUNT, of_accounts(NAMESPACE)), ("ann", (TEAM,))]
    for user, groups in people:
        for namespace in (TEAM, NAMESPACE):
            found = may(cluster, namespace, user, *groups)
            assert not [right for right in found if right[1] in ("secrets", "*")]


def test_with_every_namespace_watched_it_may_do_the_same_everywhere(cluster, release):
    release("upgrade", "clt", CHART, f"--values={EXAMPLE}", "--set=watchAllNamespaces=true")
    # The last test of this module: the release stays so.
    own, groups = RIGHTS["operator"], of_accounts(NAMESPACE)
    assert may(cluster, TEAM, ACCOUNT, *groups) == rights(own["tenant"])
    assert may(cluster, "default", ACCOUNT, *groups) == rights(own["tenant"])
    assert may(cluster, NAMESPACE, ACCOUNT, *groups) == rights(own["tenant"] + own["own"])
