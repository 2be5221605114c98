"""What is made of the chart is current, and its parts agree with one another."""

import json
from contextlib import nullcontext

import pytest
import yaml
from jsonschema import Draft202012Validator

import clt_operator
from charts.comments import documented
from charts.pages import CHART, EXAMPLE, PAGES, ROOT, schema
from clt_operator.api.errors import SpecError
from clt_operator.api.profiles import Profiles

VALUES = (CHART / "values.yaml").read_text(encoding="utf-8")
DEFAULTS = yaml.safe_load(VALUES)
# Kubernetes' own, which goes through unread: the API server checks it.
FREE = {
    "global",
    "networkPolicies.*.namespaceSelector",
    "networkPolicies.*.podSelector",
    "operator.affinity",
    "operator.extraEnv",
    "operator.extraVolumeMounts",
    "operator.extraVolumes",
    "operator.tolerations",
    "operator.topologySpreadConstraints",
    "queues.clusterQueues.*.namespaceSelector",
    "queues.flavors.*.tolerations",
}


@pytest.mark.parametrize("name", PAGES)
def test_a_file_says_what_it_is_made_of(name):
    assert (ROOT / name).read_text(encoding="utf-8") == PAGES[name](), "run: make manifests"


def test_the_chart_is_of_this_release():
    about = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert about["appVersion"] == about["version"] == clt_operator.__version__


def test_the_chart_asks_for_what_doctor_asks_for():
    from clt_operator.cli.doctor import OLDEST

    about = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert about["kubeVersion"] == f">={OLDEST[0]}.{OLDEST[1]}.0-0"


@pytest.mark.parametrize(
    "path",
    [CHART / "values.yaml", EXAMPLE, EXAMPLE.with_name("values-production.yaml")],
    ids=lambda path: path.name,
)
def test_values_are_as_the_schema_says(path):
    given = yaml.safe_load(path.read_text(encoding="utf-8"))
    errors = Draft202012Validator(schema()).iter_errors(merged(DEFAULTS, given))
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


STORE = {"uri": "s3://studies/clt", "secret": "clt-store"}
REFUSED = [
    {"stores": {"main": {**STORE, "environment": {"AWS_SECRET_ACCESS_KEY": "x"}}}},
    {"stores": {"main": {**STORE, "environment": {"my_token": "x"}}}},
    {"stores": {"main": {**STORE, "environment": {"NOT-A-NAME": "x"}}}},
    {"stores": {"main": {**STORE, "environment": {"HTTPS_PROXY": "http://me:key@proxy"}}}},
    {"stores": {"main": {"uri": "https://s3.example.com/clt"}}},
    {"stores": {"main": {"uri": "s3://key:word@studies/clt"}}},
    {"stores": {"main": {"uri": "s3://studies/clt?region=x"}}},
    {"stores": {"main": {**STORE, "inputs": ["s3://studies/*"]}}},
    {"endpoints": {"hub": {"kind": "hub", "address": "huggingface.co"}}},
    {"endpoints": {"hub": {"kind": "hub", "address": "https://me:key@huggingface.co"}}},
    {"pools": {"gpu": {"weightCache": {"size": "1Gi"}}}},
    {"pools": {"gpu": {"weightCache": {"claim": "a", "storageClass": "b"}}}},
]
TAKEN = [
    {"stores": {"main": {**STORE, "environment": {"AWS_ENDPOINT_URL": "http://minio:9000/a@b"}}}},
    {"stores": {"main": {"uri": "s3://{namespace}/clt/?checksums=when_required"}}},
    {"stores": {"main": {**STORE, "inputs": ["s3://data", "s3://data/a/"]}}},
    {"endpoints": {"hub": {"kind": "hub", "address": "http://hub.hub.svc:8080/api?a=b@c"}}},
    {"pools": {"gpu": {"weightCache": {"claim": "", "storageClass": "fast"}}}},
]


@pytest.mark.parametrize(
    ("profiles", "taken"),
    [*((given, False) for given in REFUSED), *((given, True) for given in TAKEN)],
    ids=str,
)
def test_promise_no_key_in_an_object_the_schema_takes_the_profiles_that_the_operator_takes(
    profiles, taken
):
    """What is refused only by the operator is in a ConfigMap by then, for all who may read it."""
    given = merged(DEFAULTS, {"profiles": profiles})
    assert Draft202012Validator(schema()).is_valid(given) is taken
    with nullcontext() if taken else pytest.raises(SpecError):
        Profiles.parse(json.dumps(profiles))


@pytest.mark.parametrize("label", ["app.kubernetes.io/name", "app.kubernetes.io/instance"])
def test_labels_of_the_operators_pods_cannot_replace_those_of_its_selector(label):
    check = Draft202012Validator(schema())
    assert check.is_valid(merged(DEFAULTS, {"operator": {"podLabels": {"team": "a"}}}))
    assert not check.is_valid(merged(DEFAULTS, {"operator": {"podLabels": {label: "a"}}}))


def test_every_value_has_a_comment_and_the_schema_knows_it():
    properties = schema()["properties"]
    assert {value.path[0] for value in documented(VALUES)} == set(DEFAULTS)
    assert set(properties) == {*DEFAULTS, "global"}


def test_a_value_without_a_comment_is_told():
    with pytest.raises(ValueError, match=r"a\.b has no comment"):
        documented("# -- Known.\nx: 1\na:\n  b: 2\n")


def test_promise_nothing_silent_every_object_of_the_values_refuses_fields_that_it_does_not_know():
    made = schema()
    open_ = {place(path) for path in unclosed(made, made, (), ())}
    assert open_ == FREE


def test_the_schema_is_one_that_helm_can_read():
    """No reference leads out of the file, and every pattern is one for Go as well."""
    text = json.dumps(schema())
    Draft202012Validator.check_schema(schema())
    assert "(?=" not in text
    assert "(?!" not in text
    assert text.count('"$ref": "#/$defs/') == text.count('"$ref"')


def merged(defaults, given):
    """As Helm merges values."""
    if isinstance(defaults, dict) and isinstance(given, dict):
        return {**defaults, **{n: merged(defaults.get(n), value) for n, value in given.items()}}
    return given


def unclosed(whole, part, path, seen):
    """Paths of objects that take any field."""
    if "$ref" in part:
        name = part["$ref"].rpartition("/")[2]
        if name not in seen:
            yield from unclosed(whole, whole["$defs"][name], path, (*seen, name))
        return
    for option in part.get("anyOf", ()):
        yield from unclosed(whole, option, path, seen)
    if part.get("type") == "array":
        yield from unclosed(whole, part["items"], path, seen)
    if part.get("type") != "object":
        return
    for name, field in part.get("properties", {}).items():
        yield from unclosed(whole, field, (*path, name), seen)
    values = [*part.get("patternProperties", {}).values(), part.get("additionalProperties", True)]
    for value in values:
        if value is True:
            yield path
        elif isinstance(value, dict):
            yield from unclosed(whole, value, (*path, "*"), seen)


def place(path):
    """All places of a NetworkPolicy's peers are one."""
    if "networkPolicies" in path:
        path = ("networkPolicies", "*", path[-1])
    return ".".join(path)


def test_the_alerts_of_the_plain_manifests_are_those_of_the_chart():
    """The rest of manifests/ is compared where Helm is built."""
    text = (ROOT / "manifests" / "monitoring.yaml").read_text(encoding="utf-8")
    rules = [m["spec"] for m in yaml.safe_load_all(text) if m["kind"] == "PrometheusRule"]
    files = [yaml.safe_load(p.read_text("utf-8")) for p in sorted((CHART / "rules").glob("*.yaml"))]
    assert rules == files, "run: make manifests"
