"""The schema for editors agrees with loading, and the types stay structural."""

import json

import pytest
import yaml
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from clt_operator.api.errors import SpecError
from clt_operator.api.load import load_experiment
from clt_operator.api.schema import experiment_schema
from clt_operator.api.yaml import read_yaml

# The only places where anything may stand: they belong to plug-ins, or are checked by plan
# against the field that they name.
FREE_FORM = {
    "DataSpec.arguments",
    "ModelSpec.architecture",
    "TaskSpec.metricArguments.*",
    "TrainSpec.adapter",
    "TrainSpec.objectiveParameters",
    "SweepSpec.axes.*[]",
    "Filter.axes.*[]",
}

RIGHT = """\
apiVersion: clt.dev/v1alpha1
kind: Experiment
metadata: {name: study}
spec:
  models: [{name: base, source: "hf:a/b"}]
  tasks: [{name: MR, train: {source: "jsonl:x"}, test: null}]
  languages: {pivot: en, mixes: {all4: [es, fr]}, evaluate: [en, no]}
  sweeps: [{name: s, pivotSamples: 100, samplesPerLanguage: {values: [0, 10]}}]
"""


@pytest.fixture(scope="module")
def schema():
    return experiment_schema()


def parts(schema):
    """Every schema below a definition, with its place."""
    for name, definition in schema["$defs"].items():
        for field, part in definition["properties"].items():
            yield from below(f"{name}.{field}", part)


def below(place, part):
    yield place, part
    for option in part.get("anyOf", ()):
        yield from below(place, option)
    if "items" in part:
        yield from below(f"{place}[]", part["items"])
    for values in (part.get("additionalProperties"), *part.get("patternProperties", {}).values()):
        if isinstance(values, dict):
            yield from below(f"{place}.*", values)


def test_the_schema_is_valid_and_plain_json(schema):
    Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema


def test_types_are_structural_so_that_they_can_become_a_crd(schema):
    for place, part in parts(schema):
        assert not {"oneOf", "allOf", "not", "if"} & part.keys(), place
        others = [option for option in part.get("anyOf", ()) if option != {"type": "null"}]
        assert len(others) <= 1, f"{place} is a choice of types"
        assert not isinstance(part.get("type"), list), place


def test_only_parameters_of_plug_ins_are_free_form(schema):
    free = {
        place
        for place, part in parts(schema)
        if part.get("additionalProperties") is True
        or not part.keys() & {"type", "$ref", "anyOf", "enum", "const"}
    }
    assert free == FREE_FORM


def test_every_section_refuses_unknown_fields_and_uses_camel_case(schema):
    for name, definition in schema["$defs"].items():
        assert definition["additionalProperties"] is False, name
        assert not [field for field in definition["properties"] if "_" in field], name


def test_every_field_says_what_it_means(schema):
    silent = [
        f"{name}.{field}"
        for name, definition in schema["$defs"].items()
        for field, part in definition["properties"].items()
        if not part.get("description")
    ]
    assert silent == []


def test_editors_accept_what_loading_accepts(schema):
    load_experiment(RIGHT, "s.yaml", {})
    Draft202012Validator(schema).validate(read_yaml(RIGHT).data)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("pivotSamples", "pivot_samples"),
        ("pivotSamples: 100", "pivotSamples: 0"),
        ("pivotSamples: 100", "pivotSamples: '1'"),
        ("pivotSamples: 100", "pivotSamples: true"),
        ("name: s,", "name: a b,"),
        ("all4:", "all 4:"),
        ("{all4: [es, fr]}", "{}"),
        ("[en, no]", "[en, null]"),
        ("kind: Experiment", "kind: Job"),
        ("spec:\n", "spec:\n  retries: {limit: 101}\n"),
        ("spec:\n", "spec:\n  train: {schedule: wavy}\n"),
        ("spec:\n", "spec:\n  train: {learningRate: 0}\n"),
        ("spec:\n", "spec:\n  compute: {train: {memory: much}}\n"),
    ],
)
def test_editors_refuse_what_loading_refuses(schema, old, new):
    assert old in RIGHT
    wrong = RIGHT.replace(old, new)
    with pytest.raises(SpecError):
        load_experiment(wrong, "s.yaml", {})
    assert not Draft202012Validator(schema).is_valid(read_yaml(wrong).data)


def test_what_the_types_dump_loads_again():
    spec = load_experiment(RIGHT, "s.yaml", {}).experiment
    assert isinstance(spec, BaseModel)
    text = yaml.safe_dump(spec.model_dump(mode="json", by_alias=True))
    assert load_experiment(text, "s.yaml", {}).experiment == spec
