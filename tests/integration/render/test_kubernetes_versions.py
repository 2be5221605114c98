"""Rendered manifests are valid, strictly, on every supported version of Kubernetes.

The schemas are those that Kubernetes publishes with its source: the module comes from the Go
module proxy with the go client (checked against its checksum database), what is needed of it
is kept in ``$XDG_CACHE_HOME/clt/openapi`` and the rest is removed again.
"""

import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from copy import deepcopy
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from support.render_samples import samples

VERSIONS = ("1.31.14", "1.32.13", "1.33.13", "1.34.4", "1.35.4", "1.36.3")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "clt/openapi"
PARTS = {
    "Job": ("apis__batch__v1_openapi.json", "io.k8s.api.batch.v1.Job"),
    "Service": ("api__v1_openapi.json", "io.k8s.api.core.v1.Service"),
}
MANIFESTS = [
    pytest.param(manifest, id=f"{name}-{manifest['kind']}")
    for name, manifests in samples().items()
    for manifest in manifests
]


def unavailable(reason):
    if os.environ.get("CI"):
        pytest.fail(f"CI must validate against Kubernetes' schemas: {reason}")
    pytest.skip(reason)


def download(version, folder):
    """The zip of the Kubernetes module, in a module cache of its own."""
    if shutil.which("go") is None:
        unavailable("no go client here: install Go to validate against Kubernetes' schemas")
    try:
        done = subprocess.run(
            ["go", "mod", "download", "-json", f"k8s.io/kubernetes@v{version}"],
            cwd=folder,
            env={**os.environ, "GOMODCACHE": str(folder / "mod"), "GOFLAGS": "-modcacherw"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    except subprocess.TimeoutExpired:
        unavailable(f"the Go module proxy gave no Kubernetes {version} in 5 minutes")
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-300:]
        unavailable(f"the Go module proxy gives no Kubernetes {version}: {said}")
    return Path(json.loads(done.stdout)["Zip"])


def closure(schemas, name):
    """The schema of that name and all that it refers to."""
    wanted, found = [name], {}
    while wanted:
        current = wanted.pop()
        if current not in found:
            found[current] = schemas[current]
            wanted += [ref.rpartition("/")[2] for ref in references(schemas[current])]
    return found


def references(schema):
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from references(part)


def workspace():
    """Where 30,000 small files are unpacked and removed: in memory if there is room."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 500_000_000
    return tempfile.TemporaryDirectory(dir=memory if roomy else None)


def published(version):
    """OpenAPI schemas by kind, from the cache or from the proxy."""
    cached = CACHE / version / "schemas.json"
    if not cached.exists():
        cached.parent.mkdir(parents=True, exist_ok=True)
        with workspace() as folder, zipfile.ZipFile(download(version, Path(folder))) as module:
            root = f"k8s.io/kubernetes@v{version}/api/openapi-spec/v3"
            found = {
                kind: closure(
                    json.loads(module.read(f"{root}/{file}"))["components"]["schemas"], name
                )
                for kind, (file, name) in PARTS.items()
            }
        whole = cached.with_suffix(f".{os.getpid()}")
        whole.write_text(json.dumps(found))
        whole.replace(cached)
    return json.loads(cached.read_text())


def strict(schema):
    """The schema with unknown fields refused: the API server drops them with a mere warning."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: strict(part) for name, part in schema.items()}
    if isinstance(schema.get("properties"), dict) and "type" in schema:
        made["additionalProperties"] = False
    return made


@pytest.fixture(scope="module", params=VERSIONS)
def validators(request):
    def validator(kind, schemas):
        schema = {
            "$ref": f"#/components/schemas/{PARTS[kind][1]}",
            "components": {"schemas": {name: strict(part) for name, part in schemas.items()}},
        }
        return Draft202012Validator(schema)

    return {kind: validator(kind, found) for kind, found in published(request.param).items()}


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
