"""An API server in memory, as far as ``cltctl`` asks it: objects by resource, writes counted.

Server-side apply is a merge that remembers who set which field, which is enough to conflict.
"""

import copy
import itertools
from collections.abc import Callable, Iterator
from typing import Any

from clt_operator.api.errors import Problem
from clt_operator.cluster.errors import Conflict, Forbidden, Invalid, NotFound
from clt_operator.cluster.resources import EXPERIMENTS, Resource

Object = dict[str, Any]
NOW = "2026-01-01T00:00:00Z"


class FakeApi:
    """Implements the part of ``clt_operator.cluster.api.Api`` that the command line uses."""

    def __init__(self, namespace: str = "lab") -> None:
        self.namespace, self.server, self.origin = namespace, "https://fake", "context fake"
        self.patience = 0.0
        self.objects: dict[tuple[str, str, str], Object] = {}
        self.groups: dict[str, dict[str, str]] = {"clt.dev": {"experiments": "v1alpha1"}}
        self.forbidden: set[str] = set()  # plurals
        self.logs: dict[str, list[bytes]] = {}
        self.sent: list[tuple[str, str]] = []  # verb and name of everything that was written
        self.refuse: Callable[[Object], list[Problem]] = lambda _body: []
        self.owners: dict[tuple[str, str], dict[str, str]] = {}  # of fields of spec, by object
        self._uids = itertools.count(1)

    def add(self, resource: Resource, item: Object, namespace: str | None = None) -> Object:
        """Puts an object there as somebody else would."""
        meta = item.setdefault("metadata", {})
        if resource.namespaced:
            meta.setdefault("namespace", self.namespace if namespace is None else namespace)
        meta.setdefault("uid", f"uid-{next(self._uids)}")
        meta.setdefault("creationTimestamp", NOW)
        self.objects[resource.plural, meta.get("namespace", ""), meta["name"]] = item
        return item

    def limited(self, **_limits: float) -> "FakeApi":
        return self

    def close(self) -> None:
        pass

    def get(self, resource: Resource, name: str, namespace: str = "") -> Object:
        self._allow(resource)
        found = self.objects.get((resource.plural, namespace, name))
        if found is None:
            raise NotFound(f"{resource.plural} {name} not found", status=404, reason="NotFound")
        return copy.deepcopy(found)

    def find(self, resource: Resource, name: str, namespace: str = "") -> Object | None:
        self._allow(resource)
        return copy.deepcopy(self.objects.get((resource.plural, namespace, name)))

    def list(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        labels: str = "",
        fields: str = "",
        page: int = 500,
    ) -> Iterator[Object]:
        self._allow(resource)
        for (plural, space, _), item in sorted(self.objects.items()):
            if plural == resource.plural and namespace in ("", space):
                found = item["metadata"].get("labels") or {}
                wanted = dict(part.split("=") for part in labels.split(",") if part)
                if wanted.items() <= found.items() and _has_fields(item, fields):
                    yield copy.deepcopy(item)

    def create(self, resource: Resource, body: Object, **_options: Any) -> Object:
        answer = {"status": {"allowed": resource.plural not in self.forbidden}}
        if body.get("kind") == "SelfSubjectAccessReview":
            asked = body["spec"]["resourceAttributes"]
            answer = {"status": {"allowed": asked["resource"] not in self.forbidden}}
        return {**body, **answer, "metadata": {"creationTimestamp": NOW}}

    def apply(
        self,
        resource: Resource,
        body: Object,
        *,
        manager: str,
        force: bool = False,
        dry_run: bool = False,
        strict: bool = False,
    ) -> Object:
        if problems := self.refuse(body):
            raise Invalid("not valid", status=422, problems=tuple(problems))
        meta = body["metadata"]
        place = (meta["namespace"], meta["name"])
        live = self.objects.get((resource.plural, *place)) or {"metadata": {}, "spec": {}}
        owners = self.owners.get(place, {})
        others = {
            field: who
            for field, who in owners.items()
            if who != manager and field in body["spec"]
            and body["spec"][field] != live["spec"].get(field)
        }  # fmt: skip
        if others and not force:
            problems = [
                Problem(f"spec.{field}", f'conflict with "{who}"') for field, who in others.items()
            ]
            raise Conflict("conflict", status=409, problems=tuple(problems))
        mine = {field for field, who in owners.items() if who == manager}
        kept = {f: v for f, v in live["spec"].items() if f not in mine}
        made = copy.deepcopy(live)
        made |= {name: body[name] for name in ("apiVersion", "kind")}
        made["spec"] = {"suspend": False, "cancel": False, **kept, **body["spec"]}
        made["metadata"] = {**live["metadata"], **copy.deepcopy(meta)}
        if not dry_run:
            self.sent.append(("apply", meta["name"]))
            fields = dict.fromkeys(body["spec"], manager)
            self.owners[place] = {f: w for f, w in owners.items() if f not in mine} | fields
            self._store(resource, made, live)
        return made

    def patch(
        self, resource: Resource, name: str, body: Object, *, namespace: str = "", manager: str
    ) -> Object:
        live = self.get(resource, name, namespace)
        made = _merged(live, body)
        for field in ("suspend", "cancel"):
            made["spec"].setdefault(field, False)
        self.sent.append(("patch", name))
        fields = self.owners.setdefault((namespace, name), {})
        fields.update(dict.fromkeys(body.get("spec", {}), manager))
        self._store(resource, made, live)
        return made

    def delete(self, resource: Resource, name: str, *, namespace: str = "", uid: str = "") -> bool:
        self.sent.append(("delete", name))
        return self.objects.pop((resource.plural, namespace, name), None) is not None

    def pod_log(self, namespace: str, pod: str, **options: Any) -> Iterator[bytes]:
        if pod not in self.logs:
            raise NotFound(f"cannot get pods/log {pod}: not found", status=404, reason="NotFound")
        tail, lines = options.get("tail"), self.logs[pod]
        yield from lines if tail is None else lines[-tail:] if tail else []

    def served(self, group: str) -> dict[str, str]:
        return self.groups.get(group, {})

    def version(self) -> Object:
        return {"major": "1", "minor": "36", "gitVersion": "v1.36.3"}

    def _allow(self, resource: Resource) -> None:
        if resource.plural in self.forbidden:
            raise Forbidden(f"cannot list {resource.plural}", status=403, reason="Forbidden")

    def _store(self, resource: Resource, made: Object, live: Object) -> None:
        changed = made.get("spec") != live.get("spec")
        before = live["metadata"].get("generation", 0)
        made["metadata"]["generation"] = before + 1 if changed else before
        self.add(resource, made)


def experiment(name: str = "small", *, status: Object | None = None, **spec: Any) -> Object:
    """An Experiment object; its status is of its spec."""
    return {
        "apiVersion": EXPERIMENTS.api_version,
        "kind": EXPERIMENTS.kind,
        "metadata": {"name": name, "generation": 1},
        "spec": spec,
        "status": {"observedGeneration": 1, **status} if status is not None else {},
    }


def _merged(live: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return patch
    made = dict(live) if isinstance(live, dict) else {}
    for name, value in patch.items():
        if value is None:
            made.pop(name, None)
        else:
            made[name] = _merged(made.get(name), value)
    return made


def _has_fields(item: Object, fields: str) -> bool:
    for part in filter(None, fields.split(",")):
        path, _, value = part.partition("=")
        here: Any = item
        for name in path.split("."):
            here = (here or {}).get(name)
        if here != value:
            return False
    return True
