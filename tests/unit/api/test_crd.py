"""The definition that clusters get: structural, bounded, described, and never stale."""

import re
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError
from support.specs import EXAMPLES, reference_spec, small_spec, spec_of

from clt_operator.api.crd import crd
from clt_operator.api.crd.definition import LISTS
from clt_operator.api.crd.rules import RULES
from clt_operator.api.schema import model_schema
from clt_operator.api.spec import Experiment
from clt_operator.api.status import ExperimentStatus
from clt_operator.cluster.resources import EXPERIMENTS
from clt_operator.plan.check import check
from clt_operator.render.labels import MAX_NAME
from clt_operator.render.manifests import crd_manifest

MANIFEST = Path(__file__).parents[3] / "manifests/crd.yaml"

# What structural schemas know (apiextensions/v1), as far as it is of use here.
KEYWORDS = {
    "type", "description", "required", "properties", "additionalProperties", "items", "enum",
    "pattern", "nullable", "minLength", "maxLength", "minItems", "maxItems", "minProperties",
    "maxProperties", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    "x-kubernetes-list-type", "x-kubernetes-list-map-keys", "x-kubernetes-validations",
    "x-kubernetes-preserve-unknown-fields",
}  # fmt: skip

# Where anything may stand: parameters of plug-ins, and values of axes.
FREE = {
    "spec.models[].architecture",
    "spec.tasks[].train.arguments",
    "spec.tasks[].test.arguments",
    "spec.tasks[].exemplars.arguments",
    "spec.tasks[].metricArguments.*",
    "spec.train.adapter",
    "spec.train.objectiveParameters",
    "spec.stages[].train.adapter",
    "spec.stages[].train.objectiveParameters",
    "spec.sweeps[].axes.*[]",
    "spec.sweeps[].include[].axes.*[]",
    "spec.sweeps[].exclude[].axes.*[]",
}


@pytest.fixture(scope="module")
def version():
    (version,) = crd()["spec"]["versions"]
    return version


@pytest.fixture(scope="module")
def nodes(version):
    """Every node of the schema below the root, by its place."""
    return dict(below("", version["schema"]["openAPIV3Schema"]))


def below(place, node):
    if place:
        yield place, node
    for name, part in node.get("properties", {}).items():
        yield from below(f"{place}.{name}".removeprefix("."), part)
    if "items" in node:
        yield from below(f"{place}[]", node["items"])
    if isinstance(node.get("additionalProperties"), dict):
        yield from below(f"{place}.*", node["additionalProperties"])


def is_free(node):
    return node.get("x-kubernetes-preserve-unknown-fields", False)


def test_only_keywords_of_structural_schemas_are_used(nodes):
    assert {key for node in nodes.values() for key in node} <= KEYWORDS
    assert all(node.get("type") or is_free(node) for node in nodes.values())
    assert not [p for p, n in nodes.items() if "properties" in n and "additionalProperties" in n]


def test_only_parameters_of_plug_ins_are_free_form(nodes):
    assert {place for place, node in nodes.items() if is_free(node)} == FREE


def test_promise_every_node_has_a_bound(nodes):
    """One Experiment can always be read, checked and written in bounded time."""
    unbounded = [place for place, node in nodes.items() if not is_bounded(node)]
    assert unbounded == []


def is_bounded(node):
    match node.get("type"):
        case "string":
            return "maxLength" in node or "enum" in node
        case "array":
            return "maxItems" in node
        case "integer" | "number":
            return {"minimum", "maximum"} <= node.keys()
        case "object":
            return "properties" in node or "maxProperties" in node
        case None:
            return is_free(node)
    return True


def test_names_of_every_mapping_have_a_bound_where_rules_can_see_them(nodes):
    mappings = {p: n for p, n in nodes.items() if "additionalProperties" in n}
    bare = {p for p, n in mappings.items() if "self.all(k, " not in rules_of(n)}
    assert {re.sub(r"spec\.sweeps\[\]\.((in|ex)clude\[\]\.)?", "", p) for p in bare} == {"axes"}


def rules_of(node):
    return " ".join(rule["rule"] for rule in node.get("x-kubernetes-validations", ()))


def test_every_field_is_explained_and_no_default_is_set(nodes):
    fields = {p: n for p, n in nodes.items() if not p.endswith(("[]", ".*"))}
    silent = [p for p, n in fields.items() if not n.get("description")]
    assert [p for p in silent if not p.startswith("metadata")] == []
    assert not [p for p, n in nodes.items() if "default" in n]
    assert fields["spec.retries.limit"]["description"].endswith("Default: 3.")


def test_lists_of_named_parts_are_merged_by_name_all_others_are_one_value(nodes):
    lists = {p: n for p, n in nodes.items() if n.get("type") == "array"}
    for place, node in lists.items():
        named = "name" in node["items"].get("properties", {}) and not place.startswith("status")
        if not named:
            assert node["x-kubernetes-list-type"] == "atomic" or place.startswith("status"), place
            continue
        assert node["x-kubernetes-list-type"] == "map", place
        (key,) = node["x-kubernetes-list-map-keys"]
        assert key in node["items"]["required"], place


def test_rules_and_lists_belong_to_types_that_there_are():
    places = set()
    for root in (Experiment, ExperimentStatus):
        schema = model_schema(root)
        models = {root.__name__: schema, **schema["$defs"]}
        places |= models.keys()
        places |= {f"{m}.{f}" for m, part in models.items() for f in part["properties"]}
    assert {re.sub(r"\[\]$", "", place) for place in RULES} <= places
    assert LISTS.keys() <= places


def test_every_rule_says_what_is_wrong(nodes):
    for place, node in nodes.items():
        for rule in node.get("x-kubernetes-validations", ()):
            assert rule["message"], place
            assert "\n" not in rule["message"] + rule["rule"], place
            if blamed := rule.get("fieldPath"):
                assert place + blamed in nodes, rule


def test_a_name_fits_into_a_label_key_of_jobs(nodes):
    assert nodes["metadata.name"]["maxLength"] <= MAX_NAME


@pytest.mark.parametrize("example", sorted(path.stem for path in EXAMPLES.glob("*.yaml")))
def test_bounds_leave_room_for_every_example(example):
    for document in yaml.safe_load_all((EXAMPLES / f"{example}.yaml").read_text(encoding="utf-8")):
        if document.get("kind") == "Experiment":
            assert spec_of(document["spec"])


def test_bounds_leave_room_for_the_reference_study_ten_times_over():
    spec = reference_spec()
    spec["seeds"] = list(range(10))
    spec["languages"]["mixes"] |= {f"m{n}": ["es", "fr"] for n in range(50)}
    assert check(spec_of(spec)) == []


def test_bounds_leave_room_for_ten_thousand_runs_in_one_sweep():
    spec = small_spec()
    rates = [round(1e-6 * n, 10) for n in range(1, 10_001)]
    spec["sweeps"][0] |= {
        "samplesPerLanguage": {"values": [10]},
        "axes": {"train.warmupSteps": rates},
    }
    assert len(spec_of(spec).sweeps[0].axes["train.warmupSteps"]) == 10_000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": list(range(101))}, "at most 100"),
        ({"languages": {**small_spec()["languages"], "evaluate": ["en"] * 201}}, "at most 200"),
        ({"train": {"objectiveParameters": {f"p{n}": 1 for n in range(65)}}}, "at most 64"),
    ],
)
def test_what_admission_refuses_is_refused_here_too(change, message):
    with pytest.raises(ValidationError, match=message):
        spec_of({**small_spec(), **change})


def test_status_and_columns(version):
    assert version["subresources"] == {"status": {}}
    shown = [c["name"] for c in version["additionalPrinterColumns"] if not c.get("priority")]
    assert shown == ["Phase", "Done", "Failed", "Progress", "ETA", "Age"]


def test_columns_read_fields_that_there_are(version, nodes):
    for column in version["additionalPrinterColumns"]:
        path = column["jsonPath"].lstrip(".").replace('[?(@.type=="Accepted")]', "[]")
        if path == "metadata.creationTimestamp":
            continue
        kind = nodes[path]["type"]
        assert column["type"] == kind, column


def test_the_names_are_those_that_the_operator_asks_for():
    spec = crd()["spec"]
    assert (spec["group"], spec["names"]["plural"], spec["names"]["kind"]) == (
        EXPERIMENTS.group,
        EXPERIMENTS.plural,
        EXPERIMENTS.kind,
    )
    assert [version["name"] for version in spec["versions"]] == [EXPERIMENTS.version]
    assert "all" not in spec["names"]["categories"]


def test_the_committed_manifest_is_what_the_types_say():
    assert MANIFEST.read_text(encoding="utf-8") == crd_manifest(), "run: make manifests"
    (document,) = yaml.safe_load_all(crd_manifest())
    assert document == crd()
