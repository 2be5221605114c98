"""What the chart installs may do no more than its part, whatever the values are."""

import json

import pytest
import yaml
from cluster.chart.conftest import EVERY, one
from cluster.harness.operator import RIGHTS

from charts.pages import ROOT, rendered

RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def rules_of(found):
    """By kind, namespace and name of the role."""
    return {
        (item["kind"], item["metadata"].get("namespace"), item["metadata"]["name"]): item["rules"]
        for item in found
        if item["kind"] in ("Role", "ClusterRole")
    }


@pytest.mark.parametrize("case", EVERY)
def test_the_pod_of_the_operator_is_restricted(case, render):
    pod = one(render(case), "Deployment")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 65532
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert [c["securityContext"] for c in pod["containers"]] == [RESTRICTED]
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert not [volume for volume in pod["volumes"] if "hostPath" in volume]


@pytest.mark.parametrize("case", EVERY)
def test_operators_always_elect_a_leader(case, render):
    (container,) = one(render(case), "Deployment")["spec"]["template"]["spec"]["containers"]
    assert "--no-leader-election" not in container["args"]


@pytest.mark.parametrize("case", EVERY)
def test_the_roles_are_those_of_the_one_file(case, render):
    for (_, _, name), rules in rules_of(render(case)).items():
        part = name.partition("-")[2]  # of a release clt, or called otherwise
        wanted = {
            "operator": RIGHTS["operator"]["tenant"],
            "operator-own": RIGHTS["operator"]["own"],
            **{role: RIGHTS[role] for role in ("editor", "viewer", "reader")},
        }
        assert rules == wanted[part], name


def test_the_operator_has_roles_in_the_namespaces_of_tenants_alone(render):
    found = rules_of(render("tenants"))
    places = {namespace for (kind, namespace, name) in found if name == "clt-operator"}
    assert places == {"team-a", "team-b", "team-c", "team-d"}
    assert {name for (kind, _, name) in found if kind == "ClusterRole"} == {
        "clt-editor",
        "clt-viewer",
    }


def test_it_has_them_everywhere_only_when_asked_to(render):
    found = rules_of(render("all-namespaces"))
    assert found["ClusterRole", None, "clt-operator"] == RIGHTS["operator"]["tenant"]
    assert ("Role", "team-a", "clt-operator") not in found
    assert found["Role", "clt-system", "clt-operator-own"] == RIGHTS["operator"]["own"]


def test_it_watches_what_it_has_rights_for(render):
    def watched(case):
        (container,) = one(render(case), "Deployment")["spec"]["template"]["spec"]["containers"]
        return [a.partition("=")[2] for a in container["args"] if a.startswith("--namespace=")]

    assert watched("tenants") == ["team-a", "team-b", "team-c", "team-d"]
    assert watched("default") == ["clt-system"]
    assert watched("all-namespaces") == []


def test_researchers_are_bound_in_their_namespaces_and_read_the_profiles(render):
    found = render("tenants")
    bound = one(found, "RoleBinding", "clt-editor", "team-a")
    assert bound["roleRef"]["name"] == "clt-editor"
    assert [s["name"] for s in bound["subjects"]] == ["team-a", "ann"]
    readers = one(found, "RoleBinding", "clt-reader", "clt-system")["subjects"]
    assert [s["name"] for s in readers] == ["researchers", "team-a", "ann", "watcher"]


@pytest.mark.parametrize("case", EVERY)
def test_no_service_account_gives_its_token_to_pods_that_do_not_ask(case, render):
    accounts = [item for item in render(case) if item["kind"] == "ServiceAccount"]
    assert [a["metadata"]["name"] for a in accounts if a["automountServiceAccountToken"]] == []


@pytest.mark.parametrize("case", EVERY)
def test_no_key_is_in_any_object(case, render):
    found = render(case)
    assert "Secret" not in {item["kind"] for item in found}
    texts = json.dumps([i for i in found if i["kind"] != "CustomResourceDefinition"])
    assert "AWS_SECRET_ACCESS_KEY" not in texts


def test_manifests_have_the_same_rights(helm):
    text = (ROOT / "manifests" / "install.yaml").read_text(encoding="utf-8")
    found = rendered(helm, f"--values={ROOT / 'examples' / 'values.yaml'}")
    assert rules_of(yaml.safe_load_all(text)) == rules_of(found)


def test_jobs_reach_what_their_kind_needs_and_nothing_else(render):
    found = {
        item["metadata"]["name"]: item["spec"]
        for item in render("network-policies")
        if item["kind"] == "NetworkPolicy" and item["metadata"]["namespace"] == "team-b"
    }
    mine = {"app.kubernetes.io/managed-by": "clt"}
    assert found["clt-jobs-deny"] == {
        "podSelector": {"matchLabels": mine},
        "policyTypes": ["Ingress", "Egress"],
    }
    assert [rule["ports"][0]["port"] for rule in found["clt-jobs"]["egress"]] == [53, 7070]
    assert found["clt-fetch"]["podSelector"] == {"matchLabels": {**mine, "clt.dev/kind": "fetch"}}
    assert found["clt-judge"]["podSelector"] == {"matchLabels": {**mine, "clt.dev/kind": "judge"}}
    (between,) = found["clt-ranks"]["egress"]
    assert between["to"] == [{"podSelector": found["clt-ranks"]["podSelector"]}]
    assert set(found) == {"clt-jobs-deny", "clt-jobs", "clt-ranks", "clt-fetch", "clt-judge"}


def test_each_service_of_a_store_has_its_own_ports_and_a_team_its_own_services(render):
    def reached(name, namespace):
        spec = one(render("network-policies-two-stores"), "NetworkPolicy", name, namespace)["spec"]
        return [
            (str(rule["to"]), [port["port"] for port in rule["ports"]]) for rule in spec["egress"]
        ]

    outside = (str([{"ipBlock": {"cidr": "192.0.2.10/32"}}]), [443])
    inside = (str([{"namespaceSelector": {}, "podSelector": {}}]), [9000])
    own = (str([{"ipBlock": {"cidr": "192.0.2.11/32"}}]), [443])
    assert reached("clt-jobs", "team-b")[1:] == [outside, inside]
    assert reached("clt-jobs", "team-a")[1:] == [own]
    operator = reached("clt-operator", "clt-system")
    assert [s for s in operator if s in (outside, inside, own)] == [outside, inside, own]


def test_the_labels_of_the_policies_are_those_of_the_pods(render):
    """As the renderer of Jobs sets them; a label that no pod has would close nothing."""
    from support.render_samples import samples

    from clt_operator.api.kinds import KINDS
    from clt_operator.api.telemetry import PORT
    from clt_operator.render.pod import RANK_LABEL, RENDEZVOUS_PORT

    jobs = [m for made in samples().values() for m in made if m["kind"] == "Job"]
    labels = [job["spec"]["template"]["metadata"]["labels"] for job in jobs]
    found = [i["spec"] for i in render("network-policies") if i["kind"] == "NetworkPolicy"]
    jobs_only = [s["podSelector"] for s in found if "clt.dev/kind" in str(s)]
    (ranks,) = {json.dumps(s, sort_keys=True) for s in jobs_only if "Expressions" in str(s)}
    assert {k.get("app.kubernetes.io/managed-by") for k in labels} == {"clt"}
    assert {"fetch", "train"} <= {k["clt.dev/kind"] for k in labels}
    assert {kind for kind, params in KINDS.items() if params.together} == {"train"}
    assert json.loads(ranks)["matchExpressions"][0]["key"] == RANK_LABEL
    ports = json.dumps(found)
    assert f'"port": {RENDEZVOUS_PORT}' in ports
    assert f'"port": {PORT}' in ports
