"""From an Experiment object to what can be driven: checked spec, lock, plan, settings.

The lock is read from the store, and made where there is none or where the spec names something
new: what it holds already is kept (``cltctl upgrade`` makes another). Nothing of a spec is ever
read from this machine's disk.
"""

import hashlib
import json
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from clt_operator.api.errors import SpecError, StoreError
from clt_operator.api.lock import Lock
from clt_operator.api.profiles import Profiles, Settings
from clt_operator.api.spec import Experiment
from clt_operator.api.spec_problems import problems_of
from clt_operator.drivers.cluster.installation import Installation, Stores
from clt_operator.plan.build import Plan, TooManySteps, plan
from clt_operator.plan.check import check
from clt_operator.plan.check.size import check_size
from clt_operator.plan.counts import check_counts
from clt_operator.reconcile import FILL, Index, Policy
from clt_operator.render.text import to_yaml
from clt_operator.resolve import Lookups, resolve
from clt_operator.resolve.hub import Hub
from clt_operator.store.artifacts import Artifacts

LOCK_FILE, SPEC_FILE = "lock.json", "spec.yaml"
VARIABLES = "clt.dev/variables"  # annotation: what the command line put into the spec, JSON
REQUESTED = "clt.dev/requested-at"  # annotation: look again, the store was changed
UNBOUND = 1 << 30  # Jobs: the profiles' limit and the study's own bound the free slots
RETRY = "clt.dev/retry"  # annotation: time, then the beginnings of keys to forgive, or none: all

Object = Mapping[str, Any]
Queues = Callable[[str], Collection[str] | None]  # of a namespace; None: not known


@dataclass(frozen=True)
class Accepted:
    """An experiment that can be driven. ``digest`` names its lock."""

    experiment: Experiment
    settings: Settings
    artifacts: Artifacts
    lock: Lock
    digest: str
    plan: Plan
    index: Index
    root: dict[str, Any]
    new: bool = False  # the root was written now: what it keeps has to be looked for after that

    @property
    def policy(self) -> Policy:
        spec = self.experiment.spec
        return Policy(
            attempts=max(1, spec.retries.limit),
            fill=FILL,
            parallelism=UNBOUND,
            forgiven=self.root.get("forgiven", {}),
        )


def typed(item: Object) -> Experiment:
    """The Experiment of an API object. Raises SpecError with everything its types refuse."""
    meta = item["metadata"]
    data = {
        "apiVersion": item.get("apiVersion"),
        "kind": item.get("kind"),
        "metadata": {"name": meta["name"], "namespace": meta.get("namespace", "default")},
        "spec": item.get("spec") or {},
    }
    try:
        return Experiment.model_validate(data, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        raise SpecError(problems_of(error, Experiment)) from None


def check_all(
    experiment: Experiment, profiles: Profiles, queues: Queues = lambda _: None
) -> Settings:
    """The settings of a spec that may run here. Raises SpecError with every problem."""
    spec, namespace = experiment.spec, experiment.metadata.namespace
    if too_large := check_size(spec, profiles.limits.steps):
        raise TooManySteps(too_large)
    known = queues(namespace) if spec.compute.queue else None
    problems = [*profiles.check(namespace, spec, known), *check(spec)]
    if problems:
        raise SpecError(problems)
    return profiles.for_experiment(namespace, spec)


def accept(
    item: Object,
    installation: Installation,
    stores: Stores,
    before: Accepted | None = None,
    queues: Queues = lambda _: None,
) -> Accepted:
    """Checks, locks and plans; stores what is new of lock, spec and root.

    ``before`` saves planning again where neither spec nor lock changed. Raises SpecError where
    the spec is wrong, StoreError or TransientError where the store or a hub does not answer.
    """
    experiment = typed(item)
    profiles = installation.profiles
    settings = check_all(experiment, profiles, queues)
    artifacts = stores.open(settings)
    namespace, name = experiment.metadata.namespace, experiment.metadata.name
    held = stored_lock(artifacts, namespace, name)
    with tempfile.TemporaryDirectory(prefix="clt-empty-") as empty:
        hub = Hub(settings.hub_address)
        environment = stores.environment(settings)
        lookups = Lookups(Path(empty), hub, False, _variables(item), environment)
        lock = resolve(experiment, lookups, held)
    if problems := check_counts(experiment.spec, lock):
        raise SpecError(problems)
    digest = _digest(lock)
    if before is not None and before.digest == digest:
        made, index = before.plan, before.index
    else:
        made = plan(experiment.spec, lock, most=profiles.limits.steps)
        index = Index.of(made.graph)
    text = to_yaml([{name: item[name] for name in ("apiVersion", "kind", "spec")}])
    accepted = Accepted(experiment, settings, artifacts, lock, digest, made, index, {})
    root, new = _record(accepted, held, text, item, installation.uid)
    return replace(accepted, root=root, new=new)


def stored_lock(artifacts: Artifacts, namespace: str, name: str) -> Lock | None:
    """The lock of an experiment, None where it has none yet. Raises StoreError where it is
    damaged."""
    data = artifacts.experiment_file(namespace, name, LOCK_FILE)
    try:
        return Lock.model_validate_json(data) if data is not None else None
    except ValidationError as error:
        detail = error.errors()[0]["msg"]
        raise StoreError(
            f"the lock of {name} in {artifacts.store.uri} cannot be read: {detail} (a newer "
            "release wrote it, or it is damaged; cltctl upgrade makes a new one)"
        ) from None


def _record(
    accepted: Accepted, held: Lock | None, text: str, item: Object, installation: str
) -> tuple[dict[str, Any], bool]:
    """Stores lock, spec and root where they are new; the root, and whether it was written."""
    artifacts, meta = accepted.artifacts, accepted.experiment.metadata
    before = artifacts.root(meta.namespace, meta.name) or {}
    uid = item["metadata"]["uid"]
    if before.get("uid", uid) != uid:  # an earlier experiment of that name
        before = {}
    graph = accepted.plan.graph
    root: dict[str, Any] = {"targets": list(graph.targets), "keys": sorted(graph.steps)}
    kept = ["forgiven", "retry"]
    if {field: before.get(field) for field in root} == root:
        kept += ["report", "partial"]
    root |= {field: before[field] for field in kept if field in before}
    root |= {"uid": uid, "installation": installation}
    if held is None:
        artifacts.store.probe()
    if held != accepted.lock:
        data = accepted.lock.model_dump_json(indent=1).encode()
        artifacts.write_experiment_file(meta.namespace, meta.name, LOCK_FILE, data)
        artifacts.write_experiment_file(meta.namespace, meta.name, SPEC_FILE, text.encode())
    if root != before:
        artifacts.write_root(meta.namespace, meta.name, root)
    return root, root != before


def _variables(item: Object) -> dict[str, str]:
    written = (item["metadata"].get("annotations") or {}).get(VARIABLES, "")
    try:
        found = json.loads(written) if written else {}
    except (ValueError, RecursionError):
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def _digest(lock: Lock) -> str:
    """Of what a plan is made of: whether the experiment is suspended is no part of it."""
    planned = {k: v for k, v in lock.spec.items() if k not in ("suspend", "cancel")}
    text = lock.model_copy(update={"spec": planned}).model_dump_json()
    return hashlib.sha256(text.encode()).hexdigest()
