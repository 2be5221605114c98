"""``python -m clt_operator.drivers.operator``: every experiment of some namespaces, moved on.

Events only wake; each experiment is looked at by one worker at a time, as a whole. A process
that does not hold the lease watches, stands by and writes nothing.
"""

import argparse
import logging
import random
import signal
import socket
import threading
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from clt_operator import __version__
from clt_operator.api.errors import CltError
from clt_operator.api.profiles import Owner
from clt_operator.cluster.api import Api
from clt_operator.cluster.events import Events
from clt_operator.cluster.lease import OPERATOR, Lease
from clt_operator.cluster.profiles import CONFIG_MAP
from clt_operator.cluster.queues import queues_of
from clt_operator.cluster.resources import EXPERIMENTS
from clt_operator.cluster.trim import trim_experiment
from clt_operator.cluster.watch import Cache
from clt_operator.drivers.cluster.health import Health
from clt_operator.drivers.cluster.installation import Installation, OpenStores, WatchedProfiles
from clt_operator.drivers.cluster.monitor import Monitor
from clt_operator.drivers.cluster.ownership import MANAGER, Ownership
from clt_operator.drivers.cluster.queue import WorkQueue
from clt_operator.drivers.cluster.rate import Rate
from clt_operator.drivers.cluster.roots import drop_orphans
from clt_operator.drivers.cluster.study import Shop, Study
from clt_operator.drivers.cluster.world import Caches

log = logging.getLogger("clt.operator")

WORKERS = 4  # experiments that are looked at at once
REQUESTS = 16  # to the API server and the stores, by all workers together
BEAT = 1.0  # seconds between signs of life of an idle worker
LONGEST_LOOK = 900.0  # seconds of one look after which the process counts as stuck
LONGEST_SILENCE = 180.0  # seconds without a word of the API server
RESYNC = 600.0  # seconds between looks that nothing woke, on average
FOLLOW = 5.0  # seconds between looks whether the profiles changed
SWEEP = 1800.0  # seconds between looks for roots of experiments that are gone
LEASELESS = 1.0  # seconds after which a process whose lease is in doubt looks again
SETTLE = 0.02  # seconds in which events of one experiment are taken together
STOP = 20.0  # seconds for the looks under way to end

Place = tuple[str, str]
Object = dict[str, Any]


class Operator:
    def __init__(
        self,
        api: Api,
        namespaces: Sequence[str],
        own_namespace: str,
        *,
        profiles: str = CONFIG_MAP,
        credentials: Path | None = None,
        endpoint_credentials: Path | None = None,
        identity: str = "",
        elect: bool = True,
    ) -> None:
        self.api = api
        self.identity = identity or f"{socket.gethostname()}_{uuid.uuid4().hex[:8]}"
        self.queue: WorkQueue[Place] = WorkQueue()
        self.stores = OpenStores(credentials, endpoint_credentials)
        self.monitor = Monitor(self.stores, lambda: self.leads() and self._synced())
        self.metrics = self.monitor.metrics
        self.installation = WatchedProfiles(api, own_namespace, profiles)
        self.lease = Lease(api, own_namespace, OPERATOR, self.identity) if elect else None
        self.events = Events(api, self.identity)
        self.caches = Caches(api, namespaces, self._wake, self.monitor.on_pod)
        self.experiments = {
            namespace: Cache(
                api, EXPERIMENTS, namespace, trim=trim_experiment, on_change=self._changed
            )
            for namespace in namespaces or ("",)
        }
        self.pool = ThreadPoolExecutor(REQUESTS, thread_name_prefix="request")
        self.shop = Shop(
            api=api.limited(patience=10.0),
            world=self.caches,
            installation=self.installation,
            stores=self.stores,
            publish=self._publish,
            events=self.events,
            pool=self.pool,
            leads=self.leads,
            rate=Rate(50, 100),
            redact=self.stores.redact,
            ended=self.monitor.ended,
            made=self.metrics.jobs.inc,
            queues=lambda namespace: queues_of(self.shop.api, namespace),
        )
        self._studies: dict[Place, Study] = {}
        self._stopping, self._acting = threading.Event(), threading.Event()
        self._beats: dict[str, float] = {}
        self._threads: list[threading.Thread] = []
        self._swept, self._followed = 0.0, -FOLLOW
        self._installed: Installation | None = None

    def leads(self) -> bool:
        if self._stopping.is_set() or not self._acting.is_set():
            return False
        return self.lease is None or self.lease.leads()

    # life

    def start(self) -> None:
        for cache in self._caches:
            cache.start()
        self.monitor.start()
        for number in range(WORKERS):
            self._start(self._work, f"worker-{number}")
        self._start(self._keep_time, "clock")
        if self.lease is None:
            self._begin()
        else:
            lease = self.lease
            self._start(lambda: lease.run(self._begin, self._end), "lease")

    def _start(self, target: Any, name: str) -> None:
        thread = threading.Thread(target=target, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def stop(self) -> None:
        """Lets the looks under way end, gives the lease up, and closes."""
        self._stopping.set()
        if self.lease is not None:
            self.lease.stop()
        end = time.monotonic() + STOP
        for thread in self._threads:
            thread.join(max(0.1, end - time.monotonic()))
        self.events.stop()
        self.monitor.stop()
        for cache in self._caches:
            cache.stop()
        self.pool.shutdown(wait=False, cancel_futures=True)
        self.api.close()

    def _begin(self) -> None:
        """This process leads from now on: what it knew of the world may be old."""
        self._studies.clear()
        self.monitor.turn(leads=True)
        self._swept = 0.0
        self._acting.set()
        for item in self._all():
            self.queue.add(_place(item))

    def _end(self) -> None:
        self._acting.clear()
        self.queue.clear()
        self.monitor.turn(leads=False)

    # health

    def unhealthy(self) -> str:
        """Why the process should be started again; empty where it should not."""
        now = time.monotonic()
        for name, beat in list(self._beats.items()):
            if now - beat > LONGEST_LOOK:
                return f"{name} has not come back for {now - beat:.0f} s"
        dead = [thread.name for thread in self._threads if not thread.is_alive()]
        if dead and not self._stopping.is_set():
            return f"{', '.join(dead)} ended"
        return ""

    def unready(self) -> str:
        """Why it cannot take over; empty where it can. A standby that watches is ready."""
        if not self._synced():
            return "the caches are not filled yet"
        silence = max(cache.silence() for cache in self._caches)
        if silence > LONGEST_SILENCE:
            return f"the API server has said nothing for {silence:.0f} s"
        return ""

    def _synced(self) -> bool:
        return all(cache.synced() for cache in self._caches)

    @property
    def _caches(self) -> list[Cache | Caches]:
        return [*self.experiments.values(), self.caches]

    # wake

    def _changed(self, _: str, old: Object | None, new: Object | None) -> None:
        self.monitor.changed(old, new)
        item = new or old or {}
        if old and new and _wishes(old) == _wishes(new):
            study, status = self._studies.get(_place(item)), new.get("status") or {}
            if study is None or status == old.get("status") or not study.overwritten(status):
                return
        self.queue.add(_place(item))

    def _wake(self, namespace: str, name: str) -> None:
        self.queue.add_after((namespace, name), SETTLE)

    def _keep_time(self) -> None:
        """Looks at everything now and then, whatever the events said."""
        while not self._stopping.wait(BEAT):
            self._beats["clock"] = time.monotonic()
            if not (self.leads() and self._synced()):
                continue
            self._follow_profiles()
            if self._installed is not None:
                self.monitor.follow(self._all(), self._installed.profiles)
            if time.monotonic() - self._swept > SWEEP or not self._swept:
                self._swept = time.monotonic()
                self._sweep()

    def _follow_profiles(self) -> None:
        """Profiles that are new concern every experiment, also those that were refused."""
        if time.monotonic() - self._followed < FOLLOW:
            return
        self._followed = time.monotonic()
        try:
            found = self.installation()
        except CltError:
            return  # experiments say so
        if found is self._installed:
            return
        self._installed = found
        self.shop.rate.set(found.profiles.limits.launches_per_second)
        for item in self._all():
            self.queue.add(_place(item))

    def _sweep(self) -> None:
        try:
            here = {_place(item): item["metadata"]["uid"] for item in self._all()}
            drop_orphans(self.installation(), self.stores, here, tuple(self.experiments))
        except CltError as error:
            log.warning("roots of experiments that are gone were not looked for: %s", error)

    # work

    def _work(self) -> None:
        name = threading.current_thread().name
        while not self._stopping.is_set():
            self._beats[name] = time.monotonic()
            if not (self._acting.is_set() and self._synced()):
                self._stopping.wait(0.05)
                continue
            place = self.queue.take(BEAT)
            if place is None:
                continue
            try:
                self._look(place)
            finally:
                self.queue.done(place)

    def _look(self, place: Place) -> None:
        begun = time.monotonic()
        try:
            with self.metrics.reconcile.time():
                wait = self._tick(place)
            self.queue.succeeded(place)
            self.metrics.succeeded.set_to_current_time()
            if wait is not None:
                self.queue.add_after(place, min(wait, RESYNC * random.uniform(0.8, 1.2)))  # noqa: S311
        except CltError as error:
            self._failed(place, error, begun)
            log.warning("%s/%s: %s", *place, error)
        except Exception as error:
            self._failed(place, error, begun)
            log.exception("%s/%s", *place)

    def _failed(self, place: Place, error: Exception, begun: float) -> None:
        self.metrics.errors.labels(type(error).__name__).inc()
        pause = self.queue.failed(place)
        spent = time.monotonic() - begun
        log.debug("%s/%s failed after %.1f s, again in %.1f s", *place, spent, pause)

    def _tick(self, place: Place) -> float | None:
        if not self.leads():  # for a moment: the lease is being renewed, or about to be lost
            return LEASELESS
        item = self._find(place)
        if item is None or item["metadata"].get("deletionTimestamp"):
            study = self._studies.pop(place, None)
            if study is None or not study.gone():
                self._swept = 0.0  # its root is looked for among those of all experiments
            ownership = Ownership(self.shop.api, place[0], Owner(place[1]), self.leads)
            for job in self.caches.jobs(place[0]):
                ownership.unmark(job)
            self.queue.forget(place)
            return None
        if place not in self._studies:
            self._studies[place] = Study(self.shop, *place)
        wait = self._studies[place].tick(item)
        return RESYNC if wait is None else wait

    def _publish(self, item: Object, status: Object) -> None:
        meta = item["metadata"]
        body = {
            "apiVersion": EXPERIMENTS.api_version,
            "kind": EXPERIMENTS.kind,
            "metadata": {"name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]},
            "status": status,
        }
        answer = self.shop.api.apply(
            EXPERIMENTS, body, manager=MANAGER, force=True, subresource="status"
        )
        foreign = _foreign(answer.get("status") or {}, status)
        if foreign is not None:
            self.shop.api.patch(
                EXPERIMENTS,
                meta["name"],
                {"metadata": {"uid": meta["uid"]}, "status": foreign},
                namespace=meta["namespace"],
                manager=MANAGER,
                subresource="status",
            )

    def _find(self, place: Place) -> Object | None:
        namespace, name = place
        watched = namespace if namespace in self.experiments else ""
        return self.experiments[watched].get(namespace, name)

    def _all(self) -> list[Object]:
        return [item for cache in self.experiments.values() for item in cache.list()]

    def exposition(self) -> bytes:
        self.metrics.leader.set(1 if self.leads() else 0)
        self.metrics.queue.set(len(self.queue))
        self.metrics.wrote(self.api.writes)
        return self.monitor.text(self._all(), self.caches.every_job(), self.caches.pods)


def _place(item: Object) -> Place:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


def _foreign(found: Object, ours: Object) -> Object | None:
    """The merge patch that takes out of a status what others wrote into it; None: nothing."""
    added = {name: None for name in found if name not in ours}
    longer = any(
        isinstance(value, list) and len(found.get(name) or ()) > len(value)
        for name, value in ours.items()
    )
    return {**ours, **added} if added or longer else None


def _wishes(item: Object) -> tuple[object, ...]:
    """What of an experiment users change."""
    meta = item["metadata"]
    keys = ("uid", "generation", "deletionTimestamp", "annotations")
    return tuple(meta.get(key) for key in keys)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    if options.verbose:  # of our own: what libraries say at that level holds signed requests
        for name in ("clt", "clt_operator"):
            logging.getLogger(name).setLevel(logging.DEBUG)
    try:
        api = Api.connect(
            kubeconfig=options.kubeconfig,
            context=options.context,
            user_agent=f"clt-operator/{__version__}",
            connections=REQUESTS + WORKERS + 4,
        )
    except CltError as error:
        log.error("%s", error)
        return error.exit_code
    operator = Operator(
        api,
        [name for name in options.namespace if name],
        options.profiles_namespace or api.namespace,
        profiles=options.profiles,
        credentials=options.credentials,
        endpoint_credentials=options.endpoint_credentials,
        elect=options.leader_election,
    )
    health = Health(options.bind, operator.unhealthy, operator.unready, operator.exposition)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    operator.start()
    log.info("operator %s as %s", __version__, operator.identity)
    while not stopped.wait(1.0):
        pass
    operator.stop()
    health.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m clt_operator.drivers.operator",
        description="Moves every Experiment of some namespaces on, up to its report.",
    )
    parser.add_argument(
        "--namespace", action="append", default=[], help="may be repeated; default: all"
    )
    parser.add_argument("--profiles-namespace", default="", help="default: the operator's own")
    parser.add_argument("--profiles", default=CONFIG_MAP, metavar="CONFIGMAP")
    parser.add_argument(
        "--credentials", type=Path, metavar="DIR", help="a folder of files for each store profile"
    )
    parser.add_argument(
        "--endpoint-credentials",
        type=Path,
        metavar="DIR",
        help="a folder with a file HF_TOKEN for each endpoint profile",
    )
    parser.add_argument("--bind", default=":8080", metavar="HOST:PORT", help="health and metrics")
    parser.add_argument(
        "--no-leader-election", dest="leader_election", action="store_false", default=True
    )
    parser.add_argument("--kubeconfig", default=None, metavar="FILE")
    parser.add_argument("--context", default=None)
    parser.add_argument("--verbose", action="store_true")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
