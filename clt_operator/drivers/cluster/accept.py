"""From an Experiment object to what can be driven: checked spec, lock, plan, settings.

The lock is read from the store, and made where there is none or where the spec names something
new: what it holds already is kept (``cltctl upgrade`` makes another). Nothing of a spec is ever
read from this machine's disk.
"""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from clt_operator.api.errors import SpecError
from clt_operator.api.lock import Lock
from clt_operator.api.objects import typed, variables
from clt_operator.api.profiles import Profiles, Settings
from clt_operator.api.spec import Experiment
from clt_operator.drivers.cluster.installation import Installation, Stores
from clt_operator.drivers.root import renewed
from clt_operator.plan.build import Plan, TooManySteps, plan
from clt_operator.plan.check import check
from clt_operator.plan.check.size import check_size
from clt_operator.reconcile import FILL, Index, Policy
from clt_operator.render.text import to_yaml
from clt_operator.resolve import resolve_remote
from clt_operator.resolve.hub import Hub
from clt_operator.store.artifacts import Artifacts
from clt_operator.store.layout import SPEC_FILE

UNBOUND = 1 << 30  # Jobs: the profiles' limit and the study's own bound the free slots

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
    held = artifacts.lock(namespace, name)
    lock = resolve_remote(
        experiment,
        _hub(settings, stores),
        variables(item),
        environment=stores.environment(settings),
        previous=held,
    )
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


def _hub(settings: Settings, stores: Stores) -> Hub:
    """The hub of the settings, with the token of its own profile and of no other."""
    name = settings.hub_name
    if not name:
        return Hub(settings.hub_address)
    advice = (
        f"where the repository is gated ask the platform team: the operator reads its token for "
        f"endpoint {name} from the file {name}/HF_TOKEN below --endpoint-credentials (the chart's "
        "endpointCredentials)"
    )
    return Hub(settings.hub_address, stores.hub_token(settings), advice)


def _record(
    accepted: Accepted, held: Lock | None, text: str, item: Object, installation: str
) -> tuple[dict[str, Any], bool]:
    """Stores lock, spec and root where they are new; the root, and whether it was written."""
    artifacts, meta = accepted.artifacts, accepted.experiment.metadata
    before = artifacts.root(meta.namespace, meta.name) or {}
    uid = item["metadata"]["uid"]
    if before.get("uid", uid) != uid:  # an earlier experiment of that name
        before = {}
    root = renewed(before, accepted.plan.graph, ("forgiven", "retry"))
    root |= {"uid": uid, "installation": installation}
    if held is None:
        artifacts.store.probe()
    if held != accepted.lock:
        artifacts.write_lock(meta.namespace, meta.name, accepted.lock)
        artifacts.write_experiment_file(meta.namespace, meta.name, SPEC_FILE, text.encode())
    if root != before:
        artifacts.write_root(meta.namespace, meta.name, root)
    return root, root != before


def _digest(lock: Lock) -> str:
    return hashlib.sha256(lock.model_dump_json().encode()).hexdigest()
