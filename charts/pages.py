"""What is made of the chart: its definition, schema and README, the page of rights, manifests.

``python -m charts.pages`` writes the files that need no Helm, ``python -m charts.pages manifests``
those that do (``make manifests`` runs both). A test fails when a committed file says anything
else, so that no fact of an installation is written twice.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from charts.comments import Value, documented
from charts.values import Subject, Tenant, TenantAccount, Values
from clt_operator.api.schema import model_schema
from clt_operator.cluster.profiles import CONFIG_MAP, KEY
from clt_operator.render.manifests import crd_manifest
from clt_operator.render.text import to_yaml

ROOT = Path(__file__).parents[1]
CHART = ROOT / "charts" / "clt"
EXAMPLE = ROOT / "examples" / "values.yaml"
RIGHTS = CHART / "files" / "rights.yaml"
NAMESPACE = "clt-system"
DRAFT = "https://json-schema.org/draft/2020-12/schema"
HEAD = (
    "# Made from charts/clt and examples/values.yaml by 'make manifests': change those, not this.\n"
)

Json = dict[str, Any]


# The schema of the values.


def schema() -> Json:
    """From the types, with the comments of values.yaml as descriptions."""
    made = _tidy(model_schema(Values))
    for value in documented((CHART / "values.yaml").read_text(encoding="utf-8")):
        _place(made, value.path)["description"] = value.text
    return {"$schema": DRAFT, **made}


def _tidy(part: Any) -> Any:
    """Without titles and choices of null; keys that no pattern allows are refused."""
    if isinstance(part, list):
        return [_tidy(entry) for entry in part]
    if not isinstance(part, dict):
        return part
    options = [option for option in part.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1 and len(part["anyOf"]) == 2:
        rest = {n: v for n, v in part.items() if n not in ("anyOf", "default")}
        return _tidy({**options[0], **rest})
    made = {
        name: {key: _tidy(value) for key, value in field.items()}
        if name in ("properties", "$defs")
        else _tidy(field)
        for name, field in part.items()
        if name != "title" or not isinstance(field, str)
    }
    if "patternProperties" in made:
        made["additionalProperties"] = False
    if refused := made.get("propertyNames", {}).pop("not", None):  # Helm tells no path of those
        made["patternProperties"] = {**made.get("patternProperties", {}), refused["pattern"]: False}
    if not made.get("propertyNames", True):
        del made["propertyNames"]
    return made


def _place(whole: Json, path: tuple[str, ...]) -> Json:
    """The schema of a value; a type that is used twice becomes two where they are described."""
    part = whole
    for name in path:
        if "$ref" in part:
            part |= json.loads(json.dumps(whole["$defs"][part.pop("$ref").rpartition("/")[2]]))
        part = part["properties"][name]
    return part


def schema_text() -> str:
    made = schema()
    used = json.dumps({name: value for name, value in made.items() if name != "$defs"})
    kept: dict[str, Any] = {}
    while wanted := [n for n in made["$defs"] if n not in kept and f'"#/$defs/{n}"' in used]:
        kept |= {name: made["$defs"][name] for name in wanted}
        used += json.dumps([made["$defs"][name] for name in wanted])
    made["$defs"] = {name: made["$defs"][name] for name in sorted(kept)}
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


# README.md of the chart.


def readme() -> str:
    about = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    values = documented((CHART / "values.yaml").read_text(encoding="utf-8"))
    parts = [
        f"# Chart {about['name']}\n",
        "Made from `Chart.yaml`, `values.yaml` and the types of `charts/values.py` by "
        "`make manifests`.\n",
        f"{about['description']} Version {about['version']}, for Kubernetes "
        f"{about['kubeVersion'].removesuffix('-0')}. [How to install it]"
        "(../../docs/how-to/install-the-operator.md); [who may do what]"
        "(../../docs/reference/rights.md); a file of values to start from: "
        "[examples/values.yaml](../../examples/values.yaml).\n",
        "## Values\n",
        "A value that is not listed here is refused, with its path.\n",
        *_table(("value", "default", "meaning"), (_row(value) for value in values)),
        "## tenants[]\n",
        *_table(("field", "default", "meaning"), _fields(Tenant)),
        "Subjects are as in a RoleBinding:\n",
        *_table(("field", "default", "meaning"), _fields(Subject)),
        "Service accounts:\n",
        *_table(("field", "default", "meaning"), _fields(TenantAccount)),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _row(value: Value) -> tuple[str, str, str]:
    return f"`{'.'.join(value.path)}`", f"`{_compact(value.default)}`", value.text


def _fields(model: type[Any]) -> Iterator[tuple[str, str, str]]:
    for name, field in model.model_json_schema(by_alias=True)["properties"].items():
        default = field.get("default")
        shown = "" if default is None else f"`{_compact(default)}`"
        yield f"`{name}`", shown, field.get("description", "")


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    head = list(titles)
    lines = [head, ["---"] * len(head), *rows]
    yield "\n".join(f"| {' | '.join(c.replace('|', chr(92) + '|') for c in r)} |" for r in lines)
    yield ""


# The page of rights.

WHO = {
    ("operator", "tenant"): (
        "The operator, in each namespace that it watches",
        "Role `clt-operator`; with `watchAllNamespaces` a ClusterRole of that name.",
    ),
    ("operator", "own"): (
        "The operator, in its own namespace",
        "Role `clt-operator-own`: the profiles, and the lease by which one of several leads.",
    ),
    ("editor",): (
        "Researchers, in the namespaces of their team",
        "ClusterRole `clt-editor`, bound to the `editors` of a tenant. The cluster's own roles "
        "`edit` and `admin` get it too (`rbac.aggregate`).",
    ),
    ("viewer",): (
        "Who only looks, in the namespaces of a team",
        "ClusterRole `clt-viewer`, bound to the `viewers` of a tenant. The cluster's own roles "
        "`view`, `edit` and `admin` get it too.",
    ),
    ("reader",): (
        "Editors and viewers, in the operator's namespace",
        "Role `clt-reader`: what `cltctl doctor` looks at, and where results are kept.",
    ),
}


def rights_page() -> str:
    rights = yaml.safe_load(RIGHTS.read_text(encoding="utf-8"))
    parts = [
        "# Rights\n",
        "Made from `charts/clt/files/rights.yaml` by `make manifests`; the chart's roles are made "
        "from the same file, the operator's tests run with them, and a test compares with them "
        "what an API server says of each account. Names are those of a release called `clt`.\n",
        "Nobody listed here may read a Secret. The operator's keys are files in its pod; the keys "
        "of pods are given to them by the kubelet. **Pods of Jobs** may do nothing: they hold no "
        "token of Kubernetes.\n",
    ]
    for path, (title, text) in WHO.items():
        rules = rights
        for name in path:
            rules = rules[name]
        parts += [f"## {title}\n", f"{text}\n"]
        parts += _table(("API group", "resource", "only", "verbs"), map(_right, rules))
    return "\n".join(parts).rstrip() + "\n"


def _right(rule: Json) -> tuple[str, ...]:
    groups = ", ".join(f"`{group}`" if group else "core" for group in rule["apiGroups"])
    resources = ", ".join(f"`{name}`" for name in rule["resources"])
    only = ", ".join(f"`{name}`" for name in rule.get("resourceNames", ()))
    return groups, resources, only, ", ".join(rule["verbs"])


# Manifests, by Helm.

OUTSIDE = ("helm.sh/chart", "app.kubernetes.io/managed-by")  # labels that say Helm did it
MONITORING = ("ServiceMonitor", "PodMonitor", "PrometheusRule")
ALL_ON = (
    "--set=networkPolicies.enabled=true",
    "--set=monitoring.serviceMonitor.enabled=true",
    "--set=monitoring.podMonitor.enabled=true",
    "--set=monitoring.rules.enabled=true",
    "--set=crds.enabled=false",
)


def rendered(helm: str, *arguments: str) -> list[Json]:
    """The objects of a release ``clt``, in Helm's order, without its tests."""
    command = [helm, "template", "clt", str(CHART), f"--namespace={NAMESPACE}", "--skip-tests"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(done.stderr.strip())
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def manifests(helm: str) -> dict[str, str]:
    """Files of manifests/ by name: what examples/values.yaml installs, and two options."""
    found = [_plain(item) for item in rendered(helm, f"--values={EXAMPLE}", *ALL_ON)]
    options = {"monitoring.yaml": MONITORING, "network-policies.yaml": ("NetworkPolicy",)}
    taken = [kind for kinds in options.values() for kind in kinds]
    own = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    made = {"install.yaml": [own, *(item for item in found if item["kind"] not in taken)]}
    for name, kinds in options.items():
        made[name] = [item for item in found if item["kind"] in kinds]
    return {name: HEAD + to_yaml(items) for name, items in made.items()}


def _plain(item: Json) -> Json:
    """Without what only Helm reads, and with profiles that people can edit."""
    metadata = item["metadata"]
    if metadata["name"] == CONFIG_MAP:
        item["data"] = {KEY: to_yaml([json.loads(item["data"][KEY])]).removeprefix("---\n")}
    for part in (metadata, item.get("spec", {}).get("template", {}).get("metadata", {})):
        for label in OUTSIDE:
            part.get("labels", {}).pop(label, None)
    metadata.get("annotations", {}).pop("helm.sh/resource-policy", None)
    if not metadata.get("annotations", True):
        del metadata["annotations"]
    return item


PAGES: dict[str, Callable[[], str]] = {
    "charts/clt/files/crd.yaml": crd_manifest,
    "charts/clt/values.schema.json": schema_text,
    "charts/clt/README.md": readme,
    "docs/reference/rights.md": rights_page,
    "manifests/crd.yaml": crd_manifest,
}


def main(arguments: list[str]) -> None:
    for name, make in PAGES.items():
        (ROOT / name).write_text(make(), encoding="utf-8")
    if arguments == ["manifests"]:
        sys.path.insert(0, str(ROOT / "tests"))
        from cluster.harness.binaries import (  # noqa: PLC0415 - tests' own, for Helm alone
            CannotBuild,
            build,
        )

        try:
            helm = build("helm")["helm"]
        except CannotBuild as reason:
            sys.exit(f"manifests/ is as it was: {reason}")
        for name, text in manifests(helm).items():
            (ROOT / "manifests" / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
