"""What the operator tells Prometheus of its own work and of attempts that ended.

What there is now (experiments, steps, Jobs that wait) is worked out at each scrape by
``exposing``; reports are ``reported``. Here is what adds up. Labels are bounded: kinds, phases,
outcomes, names of experiments that exist, languages of their specs; never a key or free text.
"""

import math
import threading
from collections.abc import Callable, Collection
from typing import Any

from prometheus_client import CollectorRegistry, disable_created_metrics, generate_latest

from clt_operator import __version__
from clt_operator.api import figures, telemetry
from clt_operator.api.step import Outcome
from clt_operator.drivers.cluster.accounting import Ended

MOST_EXPERIMENTS = 1000  # shown one by one

Place = tuple[str, str]  # namespace, experiment
Add = Callable[[Any, tuple[str, ...], float], None]  # counter, further labels, how many
Children = set[tuple[Any, tuple[str, ...]]]

disable_created_metrics()  # type: ignore[no-untyped-call]  # names that no query asks for


class Metrics:
    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.reconcile = telemetry.RECONCILE.make(registry)
        self.errors = telemetry.RECONCILE_ERRORS.make(registry)
        self.succeeded = telemetry.LAST_SUCCESS.make(registry)
        self.queue = telemetry.QUEUE_DEPTH.make(registry)
        self.leader = telemetry.LEADER.make(registry)
        self.jobs = telemetry.JOBS_CREATED.make(registry)
        self._waits = telemetry.STEP_QUEUED.make(registry)
        self.seconds = telemetry.STEP_SECONDS.make(registry)
        self._writes = telemetry.API_WRITES.make(registry)
        self._attempts = telemetry.STEP_ATTEMPTS.make(registry)
        self._tokens = telemetry.ENDED_TOKENS.make(registry)
        self._supervised = telemetry.ENDED_SUPERVISED.make(registry)
        self._retries = telemetry.ENDED_STORE_RETRIES.make(registry)
        self._bytes = telemetry.ENDED_STORE_BYTES.make(registry)
        self._resumes = telemetry.ENDED_RESUMES.make(registry)
        self._not_finite = telemetry.ENDED_NOT_FINITE.make(registry)
        telemetry.BUILD_INFO.make(registry).labels(__version__).set(1)
        self._written = 0
        self._counted: dict[Place, tuple[str, Children]] = {}  # uid, and what bears its name
        self._over: Collection[Place] = ()  # these make room where it is wanted
        self._left_out: set[Place] = set()  # counted no more, or never
        self._lock = threading.Lock()

    def waited(self, kind: str, queue: str, seconds: float) -> None:
        """A Job's first pod runs, so long after the Job was made."""
        self._waits.labels(kind, queue).observe(seconds)

    def wrote(self, total: int) -> None:
        """So many requests so far that wrote."""
        with self._lock:
            self._writes.inc(max(0, total - self._written))
            self._written = max(total, self._written)

    def ended(self, ended: Ended, outcome: Outcome, seconds: float | None) -> None:
        """One attempt, with what its runner counted."""
        if outcome.outcome == "committed" and seconds is not None:
            self.seconds.labels(ended.kind).observe(seconds)
        place, kind, found = ended.place, ended.kind, outcome.figures
        with self._lock:
            add = self._adder(place, ended.uid)
            if add is None:
                return
            add(self._attempts, (kind, outcome.outcome), 1)
            for counter, name in (
                (self._tokens, figures.TOKENS),
                (self._supervised, figures.SUPERVISED_TOKENS),
            ):
                for language, count in figures.parts(found, name).items():
                    known = language if language in ended.languages else figures.REST
                    add(counter, (known,), count)
            for direction, count in figures.parts(found, figures.STORE_BYTES).items():
                if direction in ("read", "written"):
                    add(self._bytes, (kind, direction), count)
            add(self._retries, (kind,), found.get(figures.STORE_RETRIES, 0))
            add(self._resumes, (kind,), found.get(figures.RESUMED, 0))
            add(self._not_finite, (), _not_finite(outcome))

    def _adder(self, place: Place, uid: str) -> Add | None:
        """Adds to counters that bear the name of an experiment; None where there is no room."""
        if place in self._counted and self._counted[place][0] != uid:
            self._drop(place)
        if place not in self._counted and not self._has_room(place):
            self._left_out.add(place)
            return None
        self._left_out.discard(place)
        _, children = self._counted.setdefault(place, (uid, set()))

        def add(counter: Any, labels: tuple[str, ...], count: float) -> None:
            children.add((counter, (*place, *labels)))
            child = counter.labels(*place, *labels)
            if math.isfinite(count) and count > 0:
                child.inc(count)

        return add

    def _has_room(self, place: Place) -> bool:
        """Drops the counters of an experiment that is over where there are too many."""
        if len(self._counted) < MOST_EXPERIMENTS:
            return True
        over = () if place in self._over else (each for each in self._counted if each in self._over)
        gone = next(iter(over), None)
        if gone is None:
            return False
        self._drop(gone)
        self._left_out.add(gone)
        return True

    def keep(
        self, places: Collection[tuple[Place, str]], over: Collection[Place] = frozenset()
    ) -> None:
        """Drops what bears the name of an experiment that is not among these, with their uids.
        Those that are over make room for others later."""
        with self._lock:
            self._over = over
            self._left_out &= {place for place, _ in places}
            for place, (uid, _) in list(self._counted.items()):
                if (place, uid) not in places:
                    self._drop(place)

    @property
    def left_out(self) -> int:
        """Experiments whose attempts ended and count nowhere, for want of room."""
        with self._lock:
            return len(self._left_out)

    def leads(self) -> None:
        """This process begins to lead: looks count from now on."""
        self.succeeded.set_to_current_time()

    def _drop(self, place: Place) -> None:
        for counter, labels in self._counted.pop(place)[1]:
            counter.remove(*labels)

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return bytes(generate_latest(self.registry))


def _not_finite(outcome: Outcome) -> float:
    """1 where a loss ended the attempt, or gradients that were skipped too often in a row."""
    found = outcome.figures
    gave_up = outcome.outcome == "input-at-fault" and found.get(figures.SKIPPED_STEPS, 0) > 0
    return 1 if gave_up else found.get(figures.NOT_FINITE, 0)
