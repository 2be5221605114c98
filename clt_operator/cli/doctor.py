"""doctor: is everything there that an experiment needs, and what to do where it is not."""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import typer

from clt_operator.api.times import epoch
from clt_operator.cli.options import (
    ContextOption,
    Format,
    KubeconfigOption,
    LocalOption,
    NamespaceOption,
    OutputOption,
    StoreOption,
)

if TYPE_CHECKING:
    from clt_operator.api.profiles import Profiles, StoreProfile
    from clt_operator.cli.place import Place
    from clt_operator.cluster.api import Api
    from clt_operator.store.protocol import ObjectStore

OLDEST = (1, 31)  # minor version of Kubernetes that Jobs are valid on
SKEW = 30.0  # seconds between two clocks that nothing minds
STALE = 60.0  # seconds without a renewal after which the operator is not there
NEEDED = (
    ("clt.dev", "experiments", "", ("get", "list", "watch", "create", "patch", "delete")),
    ("batch", "jobs", "", ("list",)),
    ("", "pods", "", ("list",)),
    ("", "pods", "log", ("get",)),
    ("events.k8s.io", "events", "", ("list",)),
)

MARKS = {True: "✓", False: "✗", None: "-"}


@dataclass(frozen=True)
class Check:
    """``ok`` None: it could not be looked at, or does not matter here."""

    name: str
    ok: bool | None
    detail: str
    next: str = ""


Found = Iterator[Check]


def register(app: typer.Typer) -> None:
    app.command("doctor", short_help="Check that everything is there, and say what to do.")(doctor)


def doctor(
    namespace: NamespaceOption = None,
    output: OutputOption = Format.table,
    store: StoreOption = None,
    local: LocalOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Check cluster, operator, rights, profiles, queues, store and clocks.

    Exit 0: nothing is wrong; 1: something is, and each line says what to do.
    """
    from clt_operator.cli.output import dump, show
    from clt_operator.cli.place import place_of

    place = place_of(
        namespace=namespace, store=store, local=local, context=context, kubeconfig=kubeconfig
    )
    looked = of_cluster(place) if place.on_cluster else of_store(place.store)
    checks = []
    for check in looked:
        checks.append(check)
        if output is Format.table:
            show(f"{MARKS[check.ok]} {check.name}: {check.detail}")
            if check.next and check.ok is False:
                show(f"  next: {check.next}")
        elif output is Format.name and check.ok is False:
            show(check.name)
    if output in (Format.json, Format.yaml):
        dump([asdict(check) for check in checks], output)
    if any(check.ok is False for check in checks):
        raise typer.Exit(1)


def of_cluster(place: "Place") -> Found:
    from clt_operator.api.errors import CltError
    from clt_operator.cli.live import Live

    live = Live(place)
    try:
        api = live.api.limited(patience=3.0)
        found = api.version()
    except CltError as error:
        yield Check("cluster", False, str(error), "check the context and the way to its server")
        return
    yield _version(api, found)
    yield from _tried("crd", _crd, api)
    yield from _tried("rights", _rights, api, live.namespace)
    yield from _tried("operator", _operator, api)
    yield from _tried("clock of the API server", _clock, api)
    yield from _tried("queues", _queues, api, live.namespace)
    yield from _profiles(api, live.namespace)


def of_store(uri: str | None) -> Found:
    from clt_operator.api.errors import CltError
    from clt_operator.cli.stored import open_artifacts

    try:
        artifacts = open_artifacts(uri)
    except CltError as error:
        yield Check("store", False, str(error), "correct the address")
        return
    yield from _store(artifacts.store)
    yield from _tried("experiments", _experiments, artifacts)


def _tried(name: str, look: Callable[..., Found], *arguments: Any) -> Found:
    """The checks of one kind; an error of theirs is a failed check."""
    from clt_operator.api.errors import CltError
    from clt_operator.cluster.errors import Forbidden

    try:
        yield from look(*arguments)
    except Forbidden as error:
        yield Check(name, None, f"not readable for this user ({error.status})")
    except CltError as error:
        yield Check(name, False, str(error))


def _version(api: "Api", found: dict[str, Any]) -> Check:
    minor = re.match(r"\d+", str(found.get("minor", "")))
    version = (int(found.get("major") or 0), int(minor[0]) if minor else 0)
    text = f"{api.server} ({api.origin}), Kubernetes {found.get('gitVersion')}"
    if version < OLDEST:
        return Check("cluster", False, text, f"Jobs need Kubernetes {OLDEST[0]}.{OLDEST[1]}")
    return Check("cluster", True, text)


def _crd(api: "Api") -> Found:
    from clt_operator.api.crd import crd
    from clt_operator.cluster.errors import Forbidden
    from clt_operator.cluster.resources import CRDS, EXPERIMENTS

    name = f"{EXPERIMENTS.plural}.{EXPERIMENTS.group}"
    served = api.served(EXPERIMENTS.group)
    if served.get(EXPERIMENTS.plural) is None:
        install = "install the custom resource definition (chart clt, or manifests/)"
        yield Check("crd", False, f"{name} is not served", install)
        return
    try:
        there = api.get(CRDS, name)
    except Forbidden:
        yield Check("crd", True, f"{name} is served ({served[EXPERIMENTS.plural]})")
        return
    if _schema(there) == _schema(crd()):
        yield Check("crd", True, f"{name} is served, of this release")
    else:
        yield Check(
            "crd",
            False,
            f"{name} is of another release than this cltctl",
            "upgrade the older one: fields that only one of them knows are refused",
        )


def _schema(definition: dict[str, Any]) -> Any:
    """The fields that a definition knows, without what an API server adds."""
    (version,) = definition["spec"]["versions"]
    return _fields(version["schema"]["openAPIV3Schema"]["properties"]["spec"])


def _fields(schema: Any) -> Any:
    if not isinstance(schema, dict):
        return {}
    found = {name: _fields(part) for name, part in (schema.get("properties") or {}).items()}
    for nested in ("items", "additionalProperties"):
        if isinstance(schema.get(nested), dict):
            found[f"[{nested}]"] = _fields(schema[nested])
    return found


def _rights(api: "Api", namespace: str) -> Found:
    from clt_operator.cluster.resources import Resource

    reviews = Resource(
        "authorization.k8s.io",
        "v1",
        "selfsubjectaccessreviews",
        "SelfSubjectAccessReview",
        namespaced=False,
    )
    missing = []
    for group, resource, subresource, verbs in NEEDED:
        for verb in verbs:
            asked = {
                "namespace": namespace,
                "group": group,
                "resource": resource,
                "subresource": subresource,
                "verb": verb,
            }
            body = {
                "apiVersion": reviews.api_version,
                "kind": reviews.kind,
                "metadata": {},
                "spec": {"resourceAttributes": asked},
            }
            answer = api.create(reviews, body, manager="cltctl")
            if not answer.get("status", {}).get("allowed"):
                what = f"{resource}/{subresource}" if subresource else resource
                missing.append(f"{verb} {what}")
    if missing:
        yield Check(
            "rights",
            False,
            f"in namespace {namespace} you may not: {', '.join(missing)}",
            f"ask for a RoleBinding to clt-editor in namespace {namespace}",
        )
    else:
        yield Check("rights", True, f"you may do in namespace {namespace} what cltctl does")


def _operator(api: "Api") -> Found:
    from clt_operator.cli.live import system_namespace
    from clt_operator.cluster.lease import OPERATOR
    from clt_operator.cluster.resources import LEASES

    namespace = system_namespace()
    start = f"kubectl -n {namespace} get deployments,pods"
    lease = api.find(LEASES, OPERATOR, namespace)
    spec = (lease or {}).get("spec") or {}
    if not spec.get("holderIdentity"):
        detail = f"no operator runs in namespace {namespace} (no holder of lease {OPERATOR})"
        yield Check("operator", False, f"{detail}; CLT_SYSTEM_NAMESPACE names another", start)
        return
    silent = time.time() - epoch(str(spec.get("renewTime") or ""))
    who = f"{spec['holderIdentity']} in namespace {namespace}"
    if silent > STALE:
        yield Check("operator", False, f"{who} was last heard of {silent:.0f} s ago", start)
    else:
        yield Check("operator", True, f"{who} works")


def _clock(api: "Api") -> Found:
    """By a review of who one is: the server stamps it with its time."""
    from clt_operator.cluster.resources import Resource

    reviews = Resource(
        "authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", namespaced=False
    )
    body = {"apiVersion": reviews.api_version, "kind": reviews.kind, "metadata": {}}
    before = time.time()
    answer = api.create(reviews, body, manager="cltctl")
    stamp = str(answer.get("metadata", {}).get("creationTimestamp") or "")
    if stamp:
        yield _skew("clock of the API server", epoch(stamp), before)


def _queues(api: "Api", namespace: str) -> Found:
    from clt_operator.cluster.queueing import Queues, queue_fault
    from clt_operator.cluster.resources import CLUSTER_QUEUES, KUEUE, LOCAL_QUEUES

    served = api.served(KUEUE)
    if "localqueues" not in served:
        yield Check("queues", None, "no Kueue here: Jobs start at once, one node each")
        return
    local = {
        q["metadata"]["name"]: q
        for q in api.list(LOCAL_QUEUES.at(served["localqueues"]), namespace)
    }
    if not local:
        yield Check("queues", None, f"no LocalQueue in namespace {namespace}")
    from clt_operator.cluster.errors import Forbidden

    try:
        listed = api.list(CLUSTER_QUEUES.at(served["clusterqueues"]))
        cluster = {queue["metadata"]["name"]: queue for queue in listed}
    except Forbidden:
        cluster = None
    for name in sorted(local):
        why = queue_fault(name, Queues(local=local, cluster=cluster))
        if why is None:
            yield Check(f"queue {name}", True, "is active")
        else:
            yield Check(f"queue {name}", False, f"Jobs {why.what}", why.next)


def _profiles(api: "Api", namespace: str) -> Found:
    """What the installation offers to this namespace, and its stores."""
    from clt_operator.api.errors import CltError
    from clt_operator.cli.live import readable_profiles, system_namespace

    place = f"ConfigMap clt-profiles in namespace {system_namespace()}"
    try:
        profiles = readable_profiles(api)
    except CltError as error:
        yield Check("profiles", False, str(error), f"the platform team mends {place}")
        return
    if profiles is None:
        yield Check("profiles", None, f"{place} is not there, or not readable for this user")
        return
    stores = {name: each for name, each in profiles.stores.items() if each.open_to(namespace)}
    if not stores:
        ask = "ask the platform team for a store profile that names it"
        yield Check("profiles", False, f"namespace {namespace} may use no store", ask)
        return
    yield Check("profiles", True, f"namespace {namespace} may use: {_offer(profiles, namespace)}")
    for name, profile in sorted(stores.items()):
        yield from _profile_store(name, profile.within(namespace))


def _offer(profiles: "Profiles", namespace: str) -> str:
    parts = []
    for what in ("stores", "pools", "endpoints"):
        offered = getattr(profiles, what)
        names = sorted(name for name, each in offered.items() if each.open_to(namespace))
        if names:
            parts.append(f"{what} {', '.join(names)}")
    return "; ".join(parts)


def _profile_store(name: str, profile: "StoreProfile") -> Found:
    """By this user's own credentials: a store that only pods can reach is no fault."""
    from clt_operator.api.errors import CltError
    from clt_operator.cli.live import environment_for
    from clt_operator.cli.stored import open_artifacts

    try:
        store = open_artifacts(profile.uri, environment=environment_for(profile)).store
        checks = list(_store(store, name))
    except CltError as error:
        yield Check(f"store {name}", None, f"{profile.uri} is not reachable from here: {error}")
        return
    for check in checks:
        yield Check(check.name, check.ok or None, check.detail, check.next)


def _store(store: "ObjectStore", name: str = "") -> Found:
    from clt_operator.api.errors import CltError
    from clt_operator.store.marks import store_clock

    title = f"store {name}".rstrip()
    try:
        store.probe()
        before = time.time()
        there = store_clock(store)
    except CltError as error:
        yield Check(title, False, str(error))
        return
    yield Check(title, True, f"{store.uri} is writable and honours conditional writes")
    yield _skew(f"clock of the {title}", there, before)


def _experiments(artifacts: Any) -> Found:
    from clt_operator.store.roots import Roots

    count = len(Roots(artifacts).experiments)
    yield Check("experiments", True, f"{count} in this store")


def _skew(name: str, there: float, here: float) -> Check:
    skew = there - here
    if abs(skew) > SKEW:
        set_it = "set the clock that is wrong: signatures and grace periods go by it"
        return Check(name, False, f"{skew:+.0f} s from this machine's", set_it)
    return Check(name, True, f"within {SKEW:.0f} s of this machine's")
