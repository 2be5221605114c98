"""Experiments as a cluster holds them, and the store that each of them uses."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from clt_operator.api.requests import REQUESTED, handled_of
from clt_operator.api.times import parse, rfc3339
from clt_operator.cli.place import Place
from clt_operator.cli.stored import NotFound

if TYPE_CHECKING:
    from clt_operator.api.profiles import Profiles, StoreProfile
    from clt_operator.cli.stored import Stored
    from clt_operator.cluster.api import Api
    from clt_operator.store.artifacts import Artifacts

MANAGER = "cltctl"
SYSTEM_NAMESPACE = "clt-system"

Object = dict[str, Any]


@dataclass(frozen=True)
class Live:
    """The experiments of one namespace."""

    place: Place

    @cached_property
    def api(self) -> "Api":
        return self.place.connect()

    @property
    def namespace(self) -> str:
        return self.place.namespace or self.api.namespace

    def list(self, labels: str = "", *, everywhere: bool = False) -> Iterator[Object]:
        from clt_operator.cluster.resources import EXPERIMENTS

        return self.api.list(EXPERIMENTS, "" if everywhere else self.namespace, labels=labels)

    def get(self, name: str) -> Object:
        """Raises NotFound, naming the experiments that there are."""
        from clt_operator.cluster.resources import EXPERIMENTS

        found = self.api.find(EXPERIMENTS, name, self.namespace)
        if found is None:
            here = sorted(item["metadata"]["name"] for item in self.list())
            known = f"it has {', '.join(here[:8])}" if here else "it has none"
            place = f"namespace {self.namespace} of {self.api.server}"
            raise NotFound(f"no experiment {name!r} in {place}: {known}")
        return found

    def patch(self, name: str, body: Object) -> Object:
        """Merges into an experiment, as this command line's own fields."""
        from clt_operator.cluster.resources import EXPERIMENTS

        self.get(name)  # says which there are, where it is not there
        return self.api.patch(EXPERIMENTS, name, body, namespace=self.namespace, manager=MANAGER)

    def look_again(self, name: str) -> None:
        """Asks the operator to read the store of an experiment again."""
        self.patch(name, {"metadata": {"annotations": {REQUESTED: now()}}})

    def stored(self, name: str) -> "Stored":
        """The experiment in its store."""
        return self.stored_of(self.get(name))

    def stored_of(self, item: Object) -> "Stored":
        """An experiment in the store that its status names, by this user's credentials.

        Raises NotFound where the operator has not written there yet.
        """
        from clt_operator.cli.stored import stored

        meta = item["metadata"]
        if not store_uri(item):
            raise NotFound(
                f"experiment {meta['name']} has no store yet: the operator has not accepted it "
                f"(cltctl describe {meta['name']} says why)"
            )
        return stored(self.artifacts(item), meta.get("namespace", "default"), meta["name"])

    def artifacts(self, item: Object) -> "Artifacts":
        """The store that a status names, at the endpoint that its profile tells, unless this
        user's own environment tells another."""
        from clt_operator.cli.stored import open_artifacts

        profiles = readable_profiles(self.api)
        profile = profiles.stores.get(str(status_of(item).get("store"))) if profiles else None
        return open_artifacts(store_uri(item), environment=environment_for(profile))


def with_jobs(live: "Live", item: Object) -> "Stored":
    """An experiment in its store, with what its Jobs are at, where this user may see them."""
    from dataclasses import replace

    from clt_operator.cli.scene import jobs_of, pods_of
    from clt_operator.cluster.errors import Forbidden
    from clt_operator.cluster.trim import keys_of
    from clt_operator.drivers.cluster.verdicts import at_work

    found, meta = live.stored_of(item), item["metadata"]
    try:
        jobs = jobs_of(live.api, meta["namespace"], meta["name"])
        pods = pods_of(live.api, meta["namespace"], jobs)
    except Forbidden:
        return found
    waiting = [job for job in jobs if not at_work(job, pods.get(job["metadata"]["uid"], ()))]
    queued = frozenset(key for job in waiting for key in keys_of(job))
    return replace(found, in_flight=tuple(map(keys_of, jobs)), queued=queued)


def environment_for(profile: "StoreProfile | None") -> dict[str, str] | None:
    """The variables to open a store with: this user's own, and for what they do not tell, those
    of its profile. None: this process's as they are."""
    named = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    if profile is None or not profile.environment or any(os.environ.get(n) for n in named):
        return None
    return {**profile.environment, **os.environ}


def find_stored(place: Place, name: str) -> "Stored":
    """An experiment in the store of the place, or in the one that the cluster's object names."""
    from clt_operator.cli.stored import open_artifacts, stored

    if place.on_cluster:
        return Live(place).stored(name)
    return stored(open_artifacts(place.store), place.store_namespace, name)


def readable_profiles(api: "Api") -> "Profiles | None":
    """The installation's profiles; None where they are not there or not for this user.

    Raises SpecError where they are wrong.
    """
    from clt_operator.cluster.errors import Forbidden, NotFound
    from clt_operator.cluster.profiles import NoProfiles, load_profiles

    try:
        return load_profiles(api, system_namespace())
    except (Forbidden, NotFound, NoProfiles):
        return None


def system_namespace() -> str:
    """Where the operator is installed."""
    return os.environ.get("CLT_SYSTEM_NAMESPACE") or SYSTEM_NAMESPACE


def store_uri(item: Object) -> str:
    return str(status_of(item).get("storeUri") or "")


def status_of(item: Object) -> Object:
    return item.get("status") or {}


def condition(item: Object, kind: str) -> Object:
    """A condition of a status; empty where it is not there."""
    found = status_of(item).get("conditions") or ()
    return next((c for c in found if c.get("type", "").lower() == kind.lower()), {})


def phase_of(item: Object) -> str:
    """``Pending`` where no operator has looked yet."""
    return str(status_of(item).get("phase") or "Pending")


def is_current(item: Object) -> bool:
    """Whether the status speaks of the spec, and of the requests beside it, as they are now."""
    status = status_of(item)
    return bool(
        status.get("observedGeneration") == item["metadata"].get("generation")
        and str(status.get("handledRequest") or "") == handled_of(item)
    )


def reference(item: Object) -> str:
    return f"experiment.clt.dev/{item['metadata']['name']}"


def now() -> str:
    """RFC 3339 in UTC, fine enough to tell two requests apart."""
    return rfc3339("microseconds")


def age(timestamp: str, at: datetime | None = None) -> str:
    """How long ago, in kubectl's short form: 45s, 3m, 5h, 12d."""
    if not timestamp:
        return ""
    then = parse(timestamp)
    seconds = max(0, int(((at or datetime.now(UTC)) - then).total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
