"""A spec as the object that a cluster keeps: what would be written, and what is there now.

``apply`` and ``diff`` ask the API server itself, by a dry run: it fills in defaults and checks
what admission checks. Only what differs afterwards is written.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from clt_operator.api.errors import CltError, SpecError
from clt_operator.api.requests import VARIABLES
from clt_operator.cli.live import MANAGER, Object

if TYPE_CHECKING:
    from clt_operator.api.load import LoadedSpec
    from clt_operator.cluster.api import Api
    from clt_operator.cluster.errors import Conflict

_MANAGED = re.compile(r'conflict with "([^"]*)"')


class Conflicting(CltError):
    """Other writers own fields that the spec sets."""


@dataclass(frozen=True)
class Declared:
    """``result`` is what the API server would keep of ``body``; ``live`` what it keeps now;
    ``added`` are lists to which others added entries."""

    body: Object
    live: Object | None
    result: Object
    added: tuple[str, ...] = ()

    @property
    def change(self) -> Literal["created", "configured", "unchanged"]:
        if self.live is None:
            return "created"
        same = significant(self.live) == significant(self.result)
        return "unchanged" if same else "configured"


def declare(api: "Api", loaded: "LoadedSpec", namespace: str, *, force: bool = False) -> Declared:
    """Raises SpecError with the places of what the cluster refuses, Conflicting where others
    own fields; nothing is written."""
    from clt_operator.cli.allowed import check_profiles
    from clt_operator.cluster.resources import EXPERIMENTS

    check_profiles(api, loaded, namespace)
    body = object_of(loaded, namespace)
    live = api.find(EXPERIMENTS, loaded.experiment.metadata.name, namespace)
    if live and live["metadata"].get("deletionTimestamp"):
        raise CltError(f"experiment {live['metadata']['name']} is being deleted: try again then")
    result = send(api, loaded, body, force=force, dry_run=True)
    added = sorted(_added(body["spec"], result["spec"], "spec"))
    if added and not force:
        lines = [f"{path} holds entries that others added" for path in added]
        lines.append("--force-conflicts makes these lists what the spec says")
        raise Conflicting("\n".join(lines))
    if added:
        result["spec"] = _replaced(body["spec"], result["spec"])
    return Declared(body, live, result, tuple(added))


def write(api: "Api", loaded: "LoadedSpec", declared: Declared, *, force: bool) -> None:
    """Makes the object what was declared."""
    from clt_operator.cluster.resources import EXPERIMENTS

    sent = send(api, loaded, declared.body, force=force)
    if declared.added:  # an apply keeps entries of others, a merge replaces whole lists
        meta, spec = sent["metadata"], declared.result["spec"]
        fields = {path.split(".")[1].partition("[")[0] for path in declared.added}
        body = {"spec": {field: spec[field] for field in fields}}
        api.patch(EXPERIMENTS, meta["name"], body, namespace=meta["namespace"], manager=MANAGER)


def _added(mine: Any, there: Any, path: str) -> Iterator[str]:
    """Lists of the spec that hold more than it says."""
    if isinstance(mine, dict) and isinstance(there, dict):
        for name, part in mine.items():
            yield from _added(part, there.get(name), f"{path}.{name}")
    elif isinstance(mine, list) and isinstance(there, list):
        if len(mine) != len(there):
            yield path
        else:
            for at, (part, other) in enumerate(zip(mine, there, strict=True)):
                yield from _added(part, other, f"{path}[{at}]")


def _replaced(mine: Any, there: Any) -> Any:
    """What is there, with its lists as the spec says them."""
    if isinstance(mine, dict) and isinstance(there, dict):
        return {**there, **{name: _replaced(part, there.get(name)) for name, part in mine.items()}}
    return mine


def send(
    api: "Api", loaded: "LoadedSpec", body: Object, *, force: bool, dry_run: bool = False
) -> Object:
    """Server-side apply, with its refusals at their places in the spec."""
    from clt_operator.api.load import locate
    from clt_operator.cluster.errors import Conflict, Invalid
    from clt_operator.cluster.resources import EXPERIMENTS

    try:
        return api.apply(
            EXPERIMENTS, body, manager=MANAGER, force=force, dry_run=dry_run, strict=True
        )
    except Invalid as error:
        if error.problems:
            raise SpecError(locate(error.problems, loaded)) from None
        raise
    except Conflict as error:
        if error.problems:
            raise Conflicting(_explain(error)) from None
        raise


def _explain(error: "Conflict") -> str:
    """Who owns which field, and the way out."""
    lines = []
    for problem in error.problems:
        owner = _MANAGED.search(problem.message)
        who = owner[1] if owner else "another writer"
        verbs = " (by cltctl suspend, resume or cancel)" if who == MANAGER else ""
        lines.append(f"{problem.path or 'a field'} was set by {who}{verbs}")
    lines.append("leave these fields out of the spec, or take them over with --force-conflicts")
    return "\n".join(lines)


def object_of(loaded: "LoadedSpec", namespace: str) -> Object:
    """The spec as it was written, with its variables filled in; defaults stay unwritten, so that
    a later release may explain them."""
    from clt_operator.api.variables import Variables
    from clt_operator.api.yaml import read_yaml

    document = read_yaml(loaded.text, loaded.file, Variables(loaded.variables).substitute)
    data: Object = document.data
    given = data["metadata"]
    metadata: Object = {"name": given["name"], "namespace": namespace}
    metadata |= {name: given[name] for name in ("labels", "annotations") if given.get(name)}
    if loaded.variables:
        used = json.dumps(dict(sorted(loaded.variables.items())), ensure_ascii=False)
        metadata["annotations"] = {**metadata.get("annotations", {}), VARIABLES: used}
    return {
        "apiVersion": data["apiVersion"],
        "kind": data["kind"],
        "metadata": metadata,
        "spec": data["spec"],
    }


def significant(item: Object) -> Object:
    """What a user decides of an object."""
    metadata = item["metadata"]
    kept = {name: metadata[name] for name in ("labels", "annotations") if metadata.get(name)}
    return {"metadata": kept, "spec": item.get("spec")}


def as_yaml(value: Any) -> str:
    import yaml

    text: str = yaml.safe_dump(value, sort_keys=True, allow_unicode=True, width=100)
    return text
