"""Rendered manifests are valid, strictly, on every supported version of Kubernetes."""

from copy import deepcopy

import pytest
from jsonschema import Draft202012Validator
from support.openapi import VERSIONS, closure, published, strict
from support.render_samples import samples

NAMES = {"Job": "io.k8s.api.batch.v1.Job", "Service": "io.k8s.api.core.v1.Service"}
MANIFESTS = [
    pytest.param(manifest, id=f"{name}-{manifest['kind']}")
    for name, manifests in samples().items()
    for manifest in manifests
]


@pytest.fixture(scope="module", params=VERSIONS)
def validators(request):
    schemas = published(request.param)

    def validator(name):
        needed = {other: strict(part) for other, part in closure(schemas, name).items()}
        schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": needed}}
        return Draft202012Validator(schema)

    return {kind: validator(name) for kind, name in NAMES.items()}


@pytest.mark.parametrize("manifest", MANIFESTS)
def test_a_rendered_manifest_is_valid(validators, manifest):
    errors = validators[manifest["kind"]].iter_errors(manifest)
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


def changed(path, value):
    """A Job that is valid except for one field."""
    job = deepcopy(samples()["one-train-on-a-gpu"][0])
    *parents, last = path
    part = job
    for name in parents:
        part = part[name]
    part[last] = value
    return job


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "backofLimit"), 0),
        (("spec", "template", "spec", "serviceLinks"), False),
        (("spec", "template", "spec", "containers", 0, "argz"), []),
        (("spec", "template", "spec", "containers", 0, "env", 0, "val"), "x"),
        (("spec", "template", "spec", "containers", 0, "securityContext", "root"), False),
        (("spec", "template", "spec", "volumes", 0, "emptydir"), {}),
        (("spec", "template", "spec", "tolerations", 0, "operater"), "Exists"),
        (("spec", "podFailurePolicy", "rules", 0, "actions"), "Ignore"),
        (("spec", "completions"), "1"),
        (("spec", "template", "spec", "containers", 0, "resources", "limits"), {"memory": []}),
        (("metadata", "labels", "k"), 100),
        (("metadata", "names"), "x"),
    ],
)
def test_the_schemas_refuse_what_is_wrong(validators, path, value):
    assert not validators["Job"].is_valid(changed(path, value))
