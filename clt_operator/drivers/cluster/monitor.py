"""Everything that an operator shows Prometheus, in one place: what adds up, what there is now,
and what reports say.

What is about experiments is shown by the process that leads, and by no other: it would count
twice. It begins with what it sees: attempts that ended and Jobs that waited before it led count
nowhere. Nothing here asks the API server or waits for a store.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from clt_operator.api.profiles import Profiles
from clt_operator.drivers.cluster import exposing
from clt_operator.drivers.cluster.accounting import Accounting
from clt_operator.drivers.cluster.exposing import place_of
from clt_operator.drivers.cluster.families import text_of
from clt_operator.drivers.cluster.installation import OpenStores
from clt_operator.drivers.cluster.lately import Lately
from clt_operator.drivers.cluster.metrics import MOST_EXPERIMENTS, Metrics
from clt_operator.drivers.cluster.reports import Reports
from clt_operator.drivers.cluster.waits import Waits

log = logging.getLogger(__name__)

Object = Mapping[str, Any]


class Monitor:
    def __init__(self, stores: OpenStores, watching: Callable[[], bool]) -> None:
        """``watching``: this process leads, and its caches are filled."""
        self._watching = watching
        self._profiles = Profiles()
        self.metrics = Metrics()
        self.accounting = Accounting(self.metrics.ended)
        self.reports = Reports(stores, stores.redact)
        self._lately = Lately()
        self._warned: set[str] = set()
        self._waits = Waits(self.metrics.waited, watching)
        self.on_pod = self._waits.on_pod
        self.ended = self.accounting.add

    def start(self) -> None:
        self.accounting.start()

    def stop(self) -> None:
        self.accounting.stop()
        self.reports.close()

    def turn(self, *, leads: bool) -> None:
        """This process begins to lead, or leads no more."""
        self.metrics.keep(())
        if leads:
            self.metrics.leads()

    def changed(self, old: Object | None, new: Object | None) -> None:
        """An experiment as an event shows it."""
        if new is not None:
            self._lately.note(new)
        elif old is not None:
            self._lately.forget(place_of(old))
            self.reports.forget(place_of(old))

    def follow(self, items: Sequence[Object], profiles: Profiles) -> None:
        """Now and then, while it leads."""
        self._profiles = profiles
        self.reports.follow(items, profiles)

    def text(
        self,
        items: Sequence[Object],
        jobs: Sequence[Object],
        pods: Callable[[str], Sequence[Object]],
        now: float | None = None,
    ) -> bytes:
        """The answer to a scrape. ``pods`` gives those of a Job, by its uid."""
        over = frozenset(place_of(item) for item in items if exposing.is_over(item))
        self.metrics.keep({(place_of(item), item["metadata"]["uid"]) for item in items}, over)
        if not self._watching():
            return self.metrics.text()
        some = exposing.shown(items, MOST_EXPERIMENTS)
        places = frozenset(place_of(item) for item in some)
        now = time.time() if now is None else now
        there = exposing.experiments(items, some, self._lately.note, self._queue_of)
        waiting = exposing.waiting(jobs, pods, places, now)
        reports = self.reports.text()
        counts = {
            "experiments": len(items) - len(some),
            "counters": self.metrics.left_out,
            "reports": self.reports.not_shown,
        }
        self._warn(counts)
        rest = exposing.not_shown(counts)
        return self.metrics.text() + text_of((*there, *waiting, rest)) + reports

    def _warn(self, counts: Mapping[str, int]) -> None:
        """Once of each."""
        for what in [what for what, count in counts.items() if count and what not in self._warned]:
            self._warned.add(what)
            log.warning(
                "Prometheus is not shown everything: %s: %d are left out; clt_not_shown goes on "
                "to say how many",
                what,
                counts[what],
            )

    def _queue_of(self, item: Object) -> str:
        """The queue of an experiment's trainings, as far as profiles were read."""
        compute = item["spec"].get("compute") or {}
        pool = self._profiles.pools.get((compute.get("train") or {}).get("pool") or "")
        return str(compute.get("queue") or (pool.queue if pool else "") or self._profiles.queue)
