"""kubeconform: checks manifests against JSON schemas, of Kubernetes' versions and of definitions.

``build`` compiles the pinned version into a cache outside the repository. The schemas are those
that Kubernetes, Kueue and the Prometheus Operator publish with their source, and our own
definition, laid out as kubeconform looks for them; unknown fields are refused.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import yaml
from services.go_program import GoProgram
from support.openapi import closure, download, keep, published, strict, workspace

VERSION = "0.8.0"
PROGRAM = GoProgram("kubeconform", VERSION, "github.com/yannh/kubeconform/cmd/kubeconform", 600)
PROMETHEUS_OPERATOR = "v0.93.0"

Json = dict[str, Any]


def built_or_skipped() -> Path:
    """The program; skips the test where it cannot be built, fails it under CI."""
    return PROGRAM.built_or_skipped()


def problems(binary: Path, schemas: list[Path], files: list[Path]) -> list[str]:
    """What is wrong in the files: each with its file, object and path."""
    places = [f"-schema-location={place}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"
              for place in schemas]  # fmt: skip
    done = subprocess.run(
        [str(binary), "-strict", "-output=json", "-summary", *places, *map(str, files)],
        capture_output=True,
        text=True,
        check=False,
    )
    answer = json.loads(done.stdout)
    found = [f"{r['filename']}: {r['kind']} {r['name']}: {r['msg']}" for r in answer["resources"]]
    assert answer["summary"]["valid"] or found, "kubeconform looked at nothing"
    return found


def kubernetes(version: str, folder: Path) -> Path:
    """The schemas of a version of Kubernetes, written into a folder below ``folder``."""
    made = folder / version
    made.mkdir()
    schemas = published(version)
    for name, schema in schemas.items():
        for kind in schema.get("x-kubernetes-group-version-kind", ()):
            needed = {other: strict(part) for other, part in closure(schemas, name).items()}
            whole = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": needed}}
            _write(made, kind["kind"], kind["group"], kind["version"], whole)
    return made


def definitions(crds: list[Json], folder: Path) -> Path:
    """The schemas of custom resource definitions."""
    made = folder / "definitions"
    made.mkdir()
    for crd in crds:
        spec = crd["spec"]
        for version in spec["versions"]:
            schema = strict(version["schema"]["openAPIV3Schema"])
            schema["properties"]["metadata"] = {"type": "object"}
            schema["properties"]["apiVersion"] = schema["properties"]["kind"] = {"type": "string"}
            _write(made, spec["names"]["kind"], spec["group"], version["name"], schema)
    return made


def prometheus_operator() -> list[Json]:
    """Its definitions that the chart makes objects of, kept in the cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cached = cache / "clt/openapi" / f"prometheus-operator-{PROMETHEUS_OPERATOR}.json"
    if not cached.exists():
        cached.parent.mkdir(parents=True, exist_ok=True)
        name = f"github.com/prometheus-operator/prometheus-operator@{PROMETHEUS_OPERATOR}"
        with workspace() as folder:
            module = download(name, Path(folder))
            plurals = ("servicemonitors", "podmonitors", "prometheusrules")
            place = "example/prometheus-operator-crd/monitoring.coreos.com"
            found = [yaml.safe_load(module.read(f"{place}_{plural}.yaml")) for plural in plurals]
        keep(cached, json.dumps(found))
    loaded: list[Json] = json.loads(cached.read_text())
    return loaded


def _write(folder: Path, kind: str, group: str, version: str, schema: Json) -> None:
    suffix = f"{group.partition('.')[0]}-{version}" if group else version
    (folder / f"{kind.lower()}-{suffix}.json").write_text(json.dumps(schema))
