"""The schemas that Kubernetes publishes with its source, by version.

The module comes from the Go module proxy with the go client (checked against its checksum
database); what is needed of it is kept in ``$XDG_CACHE_HOME/clt/openapi`` and the rest is
removed again.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

VERSIONS = ("1.31.14", "1.32.13", "1.33.13", "1.34.4", "1.35.4", "1.36.3")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "clt/openapi"
# Of the groups whose objects the operator, the Jobs and the chart are made of.
FILES = (
    "api__v1",
    "apis__apiextensions.k8s.io__v1",
    "apis__apps__v1",
    "apis__batch__v1",
    "apis__networking.k8s.io__v1",
    "apis__policy__v1",
    "apis__rbac.authorization.k8s.io__v1",
)

Json = dict[str, Any]


def published(version: str) -> Json:
    """Every schema of FILES by its full name, from the cache or from the proxy."""
    about = hashlib.sha256(repr(FILES).encode()).hexdigest()[:8]
    cached = CACHE / version / f"components-{about}.json"
    if not cached.exists():
        cached.parent.mkdir(parents=True, exist_ok=True)
        with workspace() as folder:
            module = download(f"k8s.io/kubernetes@v{version}", Path(folder))
            found: Json = {}
            for file in FILES:
                path = f"api/openapi-spec/v3/{file}_openapi.json"
                found |= json.loads(module.read(path))["components"]["schemas"]
        keep(cached, json.dumps(found))
    loaded: Json = json.loads(cached.read_text())
    return loaded


class Module:
    """The zip of a Go module, as the proxy gives it."""

    def __init__(self, name: str, path: Path) -> None:
        self._name, self._zip = name, zipfile.ZipFile(path)

    def read(self, path: str) -> bytes:
        return self._zip.read(f"{self._name}/{path}")


def download(module: str, folder: Path) -> Module:
    """A module in a module cache of its own below ``folder``; skips the test, or fails it under
    CI, where it cannot be had."""
    if shutil.which("go") is None:
        unavailable("no go client here: install Go to validate against published schemas")
    try:
        done = subprocess.run(
            ["go", "mod", "download", "-json", module],
            cwd=folder,
            env={**os.environ, "GOMODCACHE": str(folder / "mod"), "GOFLAGS": "-modcacherw"},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    except subprocess.TimeoutExpired:
        unavailable(f"the Go module proxy gave no {module} in 5 minutes")
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-300:]
        unavailable(f"the Go module proxy gives no {module}: {said}")
    return Module(module, Path(json.loads(done.stdout)["Zip"]))


def unavailable(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"CI must validate against published schemas: {reason}")
    pytest.skip(reason)


def workspace() -> tempfile.TemporaryDirectory[str]:
    """Where 30,000 small files are unpacked and removed: in memory if there is room."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 500_000_000
    return tempfile.TemporaryDirectory(dir=memory if roomy else None)


def keep(path: Path, text: str) -> None:
    """The whole text or nothing, also where two sessions write it."""
    whole = path.with_suffix(f".{os.getpid()}")
    whole.write_text(text)
    whole.replace(path)


def closure(schemas: Json, name: str) -> Json:
    """The schema of that name and all that it refers to."""
    wanted, found = [name], {}
    while wanted:
        current = wanted.pop()
        if current not in found:
            found[current] = schemas[current]
            wanted += [ref.rpartition("/")[2] for ref in _references(schemas[current])]
    return found


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"]
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from _references(part)


def strict(schema: Any) -> Any:
    """The schema with unknown fields refused: the API server drops them with a mere warning."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: strict(part) for name, part in schema.items()}
    free = schema.get("x-kubernetes-preserve-unknown-fields")
    if isinstance(schema.get("properties"), dict) and "type" in schema and not free:
        made["additionalProperties"] = False
    return made
