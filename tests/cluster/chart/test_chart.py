"""The chart: accepted by Helm's own check, valid everywhere, and what it refuses."""

import json
import re
import subprocess

import pytest
import yaml
from cluster.chart.cases import CASES, STORE
from cluster.chart.conftest import EVERY, EXAMPLES, one
from cluster.harness.binaries import built_or_skipped
from services import kubeconform
from support.openapi import VERSIONS

from charts.pages import CHART, NAMESPACE, ROOT, manifests
from clt_operator.api.crd import crd
from clt_operator.api.profiles import Profiles
from clt_operator.cluster.profiles import CONFIG_MAP, profiles_of
from clt_operator.render.text import to_yaml


@pytest.mark.parametrize("case", EVERY)
def test_lint_finds_nothing(case, helm, tmp_path):
    values = tmp_path / "values.yaml"
    given = CASES.get(case, {})
    if case in EXAMPLES:
        given = yaml.safe_load(EXAMPLES[case].read_text(encoding="utf-8"))
    values.write_text(json.dumps(given), encoding="utf-8")
    done = subprocess.run(
        [helm, "lint", "--strict", "--quiet", str(CHART), f"--values={values}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_manifests_are_current(helm):
    for name, text in manifests(helm).items():
        path = ROOT / "manifests" / name
        assert path.read_text(encoding="utf-8") == text, f"{name}: run make manifests"


# Valid on every version


@pytest.fixture(scope="module")
def files(render, helm, tmp_path_factory):
    """Every case and every plain manifest, as files; the test pods of the chart as well."""
    folder = tmp_path_factory.mktemp("rendered")
    for case in EVERY:
        (folder / f"{case}.yaml").write_text(to_yaml(render(case)), encoding="utf-8")
    pods = subprocess.run(
        [helm, "template", "clt", str(CHART), f"--namespace={NAMESPACE}", "--show-only",
         "templates/tests/ready.yaml"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    (folder / "tests.yaml").write_text(pods, encoding="utf-8")
    return [*folder.iterdir(), *(ROOT / "manifests").glob("*.yaml")]


@pytest.fixture(scope="module")
def foreign(helm, tmp_path_factory):
    """The schemas of Kueue's and the Prometheus Operator's definitions, and of our own."""
    template = [helm, "template", "kueue", str(built_or_skipped().kueue_chart), "--include-crds"]
    text = subprocess.run(template, capture_output=True, text=True, check=True).stdout
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    kueue = [d for d in yaml.load_all(text, loader) if d and "CustomResource" in d["kind"]]
    crds = [*kueue, *kubeconform.prometheus_operator(), crd()]
    return kubeconform.definitions(crds, tmp_path_factory.mktemp("schemas"))


@pytest.mark.parametrize("version", VERSIONS)
def test_every_switch_on_and_off_is_valid(version, files, foreign, tmp_path):
    binary = kubeconform.built_or_skipped()
    schemas = [kubeconform.kubernetes(version, tmp_path), foreign]
    assert kubeconform.problems(binary, schemas, files) == []


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("Deployment", ("spec", "template", "spec", "serviceLinks")),
        ("CustomResourceDefinition", ("spec", "scopes")),
        ("NetworkPolicy", ("spec", "egres")),
        ("PodMonitor", ("spec", "podMetricsEndpoint")),
        ("ClusterQueue", ("spec", "cohorts")),
    ],
)
def test_those_schemas_refuse_a_field_that_is_not_there(kind, path, render, foreign, tmp_path):
    cases = ("default", "network-policies", "monitoring", "queues")
    item = next(i for case in cases for i in render(case) if i["kind"] == kind)
    part = item
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = True
    file = tmp_path / "wrong.yaml"
    file.write_text(to_yaml([item]), encoding="utf-8")
    schemas = [kubeconform.kubernetes(VERSIONS[-1], tmp_path), foreign]
    (problem,) = kubeconform.problems(kubeconform.built_or_skipped(), schemas, [file])
    assert path[-1] in problem


# A wrong value is refused with its path

IP = {"ipBlock": {"cidr": "192.0.2.10/32"}}


def store(fields):
    return {"profiles": {"stores": {"main": {**STORE, **fields}}}}


def hub(address):
    return {"profiles": {"endpoints": {"hub": {"kind": "hub", "address": address}}}}


def queues(flavors):
    return {"queues": {"enabled": True, "clusterQueues": {"shared": {"flavors": flavors}}}}


WRONG = [
    ({"tenant": []}, "'tenant'"),
    ({"operator": {"replica": 2}}, "/operator"),
    ({"operator": {"replicas": "2"}}, "/operator/replicas"),
    ({"operator": {"resources": {"limits": {"memory": "lots"}}}}, "/operator/resources/limits"),
    ({"tenants": [{"create": True}]}, "/tenants/0"),
    ({"tenants": [{"name": "Team_A"}]}, "/tenants/0/name"),
    ({"tenants": [{"name": "a", "podSecurity": "none"}]}, "/tenants/0/podSecurity"),
    ({"tenants": [{"name": "a", "editors": [{"kind": "Team", "name": "x"}]}]},
     "/tenants/0/editors/0/kind"),
    ({"profiles": {"stores": {"main": {"url": "s3://a"}}}}, "/profiles/stores/main"),
    ({"profiles": {"pools": {"gpu": {"maxGpus": -1}}}}, "/profiles/pools/gpu/maxGpus"),
    ({"profiles": {"limits": {"steps": 0}}}, "/profiles/limits/steps"),
    ({"image": {"digest": "sha256:1"}}, "/image/digest"),
    ({"credentials": {"main": "Not A Name"}}, "/credentials/main"),
    ({"networkPolicies": {"store": [{"to": [{"ipblock": {}}]}]}}, "/networkPolicies/store/0/to/0"),
    ({"networkPolicies": {"store": [{"to": [IP], "ports": [70000]}]}},
     "/networkPolicies/store/0/ports/0"),
    ({"networkPolicies": {"store": [{"to": []}]}}, "/networkPolicies/store/0/to"),
    # A key would be readable in a ConfigMap before the operator refuses it.
    (store({"environment": {"AWS_SECRET_ACCESS_KEY": "x"}}), "/environment"),
    (store({"environment": {"my_token": "x"}}), "/environment"),
    (store({"environment": {"HTTPS_PROXY": "http://me:key@proxy"}}), "/environment/HTTPS_PROXY"),
    (store({"uri": "https://s3.example.com/clt"}), "/profiles/stores/main/uri"),
    (store({"uri": "s3://key:word@studies/clt"}), "/profiles/stores/main/uri"),
    (store({"inputs": ["s3://studies/*"]}), "/profiles/stores/main/inputs/0"),
    (hub("huggingface.co"), "/profiles/endpoints/hub/address"),
    (hub("https://me:key@huggingface.co"), "/profiles/endpoints/hub/address"),
    ({"profiles": {"pools": {"gpu": {"weightCache": {"size": "1Gi"}}}}}, "/gpu/weightCache"),
    ({"profiles": {"pools": {"gpu": {"weightCache": {"claim": "a", "storageClass": "b"}}}}},
     "/profiles/pools/gpu/weightCache"),
    ({"operator": {"podLabels": {"app.kubernetes.io/name": "x"}}}, "/operator/podLabels"),
    ({"monitoring": {"podMonitor": {"interval": "soon"}}}, "/monitoring/podMonitor/interval"),
    ({"queues": {"clusterQueues": {"a": {"flavors": []}}}}, "/queues/clusterQueues/a/flavors"),
    # What no schema can say, templates do.
    ({"networkPolicies": {"enabled": True}}, "networkPolicies.store"),
    ({"watchAllNamespaces": True, "networkPolicies": {"enabled": True, "store": [{"to": [IP]}]}},
     "watchAllNamespaces and no tenants"),
    ({"profiles": {"stores": {"a": {**STORE, "default": True},
                              "b": {**STORE, "default": True, "namespaces": ["team-a"]}}}},
     "a and b are both default"),
    (queues([{"name": "a", "quota": {"cpu": 1}}, {"name": "b", "quota": {"cpu": 1, "memory": 1}}]),
     "queues.clusterQueues.shared: flavor b has quota of cpu, memory"),
    ({**queues([{"name": "a", "quota": {"cpu": 1}}]),
      "tenants": [{"name": "a", "localQueues": {"gpus": "shard"}}]}, "leads to shard"),
    ({"tenants": [{"name": "a"}, {"name": "a", "create": True}]}, "two are called a"),
    ({"profiles": {"stores": {"main": STORE}}, "credentials": {"man": "a"}}, "credentials.man"),
    ({"endpointCredentials": {"mirror": "a"}}, "endpointCredentials.mirror"),
    ({"readers": [{"kind": "ServiceAccount", "name": "x"}]}, "subject x"),
]  # fmt: skip


@pytest.mark.parametrize(("values", "path"), WRONG, ids=[path for _, path in WRONG])
def test_a_wrong_value_is_refused_with_its_path(values, path, render):
    with pytest.raises(ValueError, match=re.escape(path)):
        render(values)


@pytest.mark.parametrize(
    "values",
    [
        store({"default": True, "environment": {"AWS_ENDPOINT_URL": "http://minio:9000"}}),
        store({"uri": "s3://{namespace}/clt/?checksums=when_required", "inputs": ["s3://data/"]}),
        {"profiles": {"stores": {
            name: {**STORE, "default": True, "namespaces": [name]} for name in ("a", "b")}}},
        hub("http://hub.hub.svc:8080/api?a=b@c"),
        {"profiles": {"pools": {"gpu": {"weightCache": {"claim": "", "storageClass": "fast"}}}}},
        {"queues": {"enabled": True}, "tenants": [{"name": "a", "localQueues": {"q": "theirs"}}]},
    ],
    ids=str,
)  # fmt: skip
def test_what_the_operator_takes_is_not_refused_before(values, render):
    profiles_of(one(render(values), "ConfigMap", CONFIG_MAP))


# What is in it


@pytest.mark.parametrize("case", [case for case in EVERY if case != "no-profiles"])
def test_the_profiles_are_found_and_read(case, render):
    item = one(render(case), "ConfigMap", CONFIG_MAP, NAMESPACE)
    assert isinstance(profiles_of(item), Profiles)


def test_profiles_keep_their_types(render):
    """A text that looks like a number or a truth stays text, a large number a number."""
    kept = profiles_of(one(render("profiles"), "ConfigMap", CONFIG_MAP))
    assert kept.stores["main"].environment == {"AWS_REGION": "no"}
    assert kept.pools["gpu"].node_selector == {"a": "1e5"}
    assert (kept.image, kept.image_pull_policy) == ("jobs:own", "Always")
    assert profiles_of(one(render("keys"), "ConfigMap", CONFIG_MAP)).limits.steps == 5_000_000


def test_the_image_of_jobs_is_of_this_release_unless_values_say_otherwise(render):
    version = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))["appVersion"]
    default = profiles_of(one(render("default"), "ConfigMap", CONFIG_MAP))
    assert default.image == f"clt-jobs:{version}"
    assert profiles_of(one(render("images"), "ConfigMap", CONFIG_MAP)).image == "mirror/clt-jobs:1"


@pytest.mark.parametrize("case", EVERY)
def test_the_operator_understands_its_arguments(case, render):
    from clt_operator.drivers.operator import _parser

    (container,) = one(render(case), "Deployment")["spec"]["template"]["spec"]["containers"]
    options = _parser().parse_args(container["args"])
    assert container["command"] == ["python", "-m", "clt_operator.drivers.operator"]
    assert options.profiles == CONFIG_MAP
    assert options.profiles_namespace == NAMESPACE


def test_each_stores_keys_are_mounted_where_the_operator_looks(render):
    arguments, mounted = secrets_of(render("keys"))
    assert "--credentials=/credentials" in arguments
    assert mounted == {"/credentials/main": "clt-store", "/credentials/Second.1": "second"}


def test_each_endpoints_token_is_mounted_where_the_operator_looks(render):
    arguments, mounted = secrets_of(render("endpoint-keys"))
    assert "--endpoint-credentials=/endpoint-credentials" in arguments
    assert mounted == {"/endpoint-credentials/mirror": "clt-hub"}


def secrets_of(manifests):
    """The operator's arguments, and the Secrets that it is given, by path."""
    pod = one(manifests, "Deployment")["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    secrets = {v["name"]: v["secret"]["secretName"] for v in pod["volumes"] if "secret" in v}
    return container["args"], {
        mount["mountPath"]: secrets[mount["name"]]
        for mount in container["volumeMounts"]
        if mount["name"] in secrets
    }


def test_the_selector_of_the_operator_finds_no_pod_of_a_job(render):
    from support.render_samples import samples

    selector = one(render("default"), "Deployment")["spec"]["selector"]["matchLabels"]
    jobs = [m for made in samples().values() for m in made if m["kind"] == "Job"]
    for job in jobs:
        labels = job["spec"]["template"]["metadata"]["labels"]
        assert any(labels.get(name) != value for name, value in selector.items())


def test_the_definition_is_of_this_release_and_stays(render):
    found = one(render("default"), "CustomResourceDefinition")
    assert found["spec"] == crd()["spec"]
    assert found["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_what_holds_experiments_and_who_one_is_are_kept(render):
    found = render("tenants")
    policy = "helm.sh/resource-policy"
    kept = [i for i in found if i["metadata"].get("annotations", {}).get(policy) == "keep"]
    assert {i["kind"] for i in kept} == {"CustomResourceDefinition", "Namespace", "ConfigMap"}
    assert len(kept) == 1 + 3 + 1


def test_operators_prefer_nodes_of_their_own_unless_told_otherwise(render):
    def affinity(case):
        return one(render(case), "Deployment")["spec"]["template"]["spec"].get("affinity")

    (term,) = affinity("two-replicas")["podAntiAffinity"].popitem()[1]
    selector = one(render("default"), "Deployment")["spec"]["selector"]
    assert term["podAffinityTerm"] == {
        "labelSelector": selector,
        "topologyKey": "kubernetes.io/hostname",
    }
    assert affinity("default") is None
    assert affinity("scheduling") == {"nodeAffinity": {}}


def test_a_second_release_shares_no_object_with_the_first(helm, render, tmp_path):
    """Both would own what has one name on a cluster."""
    path = tmp_path / "values.yaml"
    path.write_text(json.dumps(CASES["second-release"]), encoding="utf-8")
    words = ["template", "two", str(CHART), "--namespace=other", f"--values={path}"]
    text = subprocess.run([helm, *words], capture_output=True, text=True, check=True).stdout

    def names(found):
        return {
            (i["kind"], i["metadata"].get("namespace"), i["metadata"]["name"]) for i in found if i
        }

    assert not names(yaml.safe_load_all(text)) & names(render("default"))


def test_alerts_and_dashboards_go_in_as_they_are(render):
    """Prometheus' templates are not Helm's."""
    found = render("monitoring")
    rules = [item["spec"] for item in found if item["kind"] == "PrometheusRule"]
    paths = sorted((CHART / "rules").glob("*.yaml"))
    assert rules == [yaml.safe_load(path.read_text(encoding="utf-8")) for path in paths]
    boards = [item for item in found if "grafana_dashboard" in item["metadata"]["labels"]]
    shown = {name: text for board in boards for name, text in board["data"].items()}
    paths = sorted((CHART / "dashboards").glob("*.json"))
    texts = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in paths}
    assert {name: json.loads(text) for name, text in shown.items()} == texts
    assert {board["metadata"]["namespace"] for board in boards} == {"monitoring"}


def test_jobs_are_scraped_with_experiment_and_kind_of_their_labels(render):
    (endpoint,) = one(render("monitoring"), "PodMonitor")["spec"]["podMetricsEndpoints"]
    assert endpoint["port"] == "metrics"
    assert [(r["sourceLabels"], r["targetLabel"]) for r in endpoint["relabelings"]] == [
        (["__meta_kubernetes_pod_label_clt_dev_experiment"], "experiment"),
        (["__meta_kubernetes_pod_label_clt_dev_kind"], "kind"),
    ]
    (served,) = one(render("monitoring"), "ServiceMonitor")["spec"]["endpoints"]
    assert served["honorLabels"] is True


# What it says


@pytest.fixture
def notes(helm, tmp_path):
    """The notes of a release, as ``helm install`` prints them."""

    def made(values, namespace=NAMESPACE):
        path = tmp_path / "values.yaml"
        path.write_text(json.dumps(values), encoding="utf-8")
        words = ["install", "clt", str(CHART), f"--namespace={namespace}", f"--values={path}"]
        done = subprocess.run(
            [helm, *words, "--dry-run=client"], capture_output=True, text=True, check=True
        )
        return done.stdout.partition("NOTES:")[2]

    return made


def test_the_notes_name_the_next_commands(notes):
    said = notes({"tenants": [{"name": "lab"}], "profiles": {"stores": {"main": STORE}}})
    assert "kubectl -n lab create secret generic clt-store" in said
    assert "cltctl apply examples/quickstart.yaml -n lab --wait" in said
    assert "CLT_SYSTEM_NAMESPACE" not in said


def test_the_notes_name_a_namespace_that_may_use_the_store(notes):
    def said(namespaces):
        store = {**STORE, "namespaces": namespaces}
        return notes({"tenants": [{"name": "a"}], "profiles": {"stores": {"main": store}}})

    assert "kubectl -n team-b create secret generic clt-store" in said(["team-b", "team-c"])
    assert "kubectl -n NAMESPACE create secret generic clt-store" in said(["team-*"])
    assert "kubectl -n a create secret generic clt-store" in said(["*"])


def test_the_notes_say_what_is_missing(notes):
    said = notes({"watchAllNamespaces": True}, "studies")
    assert "No store is defined yet" in said
    assert "export CLT_SYSTEM_NAMESPACE=studies" in said
    assert "watches every namespace" in said
