"""Which of several operators leads: a Lease of coordination.k8s.io.

No clock is compared with another's. A candidate takes the lease over when its record has not
changed for its duration, as this process saw it; a leader leads only while its own last renewal
is younger than the renew deadline, whatever its requests are doing. The deadline is shorter
than the duration, so that the old leader has stopped before a new one starts. The times in the
record are for people.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from clt_operator.api.times import rfc3339
from clt_operator.cluster.api import Api, Object
from clt_operator.cluster.errors import AlreadyExists, ClusterError, Conflict, NotFound
from clt_operator.cluster.resources import LEASES

log = logging.getLogger(__name__)

OPERATOR = "clt-operator"  # name of the lease that the operators of an installation share
MANAGER = "clt-operator-lease"
SHORTEST_REQUEST = 0.5  # seconds that a request may take at least


def steady() -> float:
    """Seconds that run on while the machine sleeps, and that nobody sets."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


@dataclass
class _Seen:
    """The record as it was last read, and when it last changed."""

    version: str = ""
    spec: Object = field(default_factory=dict)
    since: float = 0.0


class Lease:
    """One candidate. ``identity`` is this process's alone; times are in seconds."""

    def __init__(
        self,
        api: Api,
        namespace: str,
        name: str,
        identity: str,
        *,
        duration: float = 15,
        renew: float = 10,
        retry: float = 2,
        clock: Callable[[], float] = steady,
    ) -> None:
        if not retry < renew < duration:
            raise ValueError("a lease needs retry < renew < duration")
        self._api, self._namespace, self._name = api.limited(patience=0), namespace, name
        self.identity = identity
        self._duration, self._renew, self._retry, self._clock = duration, renew, retry, clock
        self._stopping = threading.Event()
        self._seen = _Seen()
        self._renewed: float | None = None  # when the last renewal that worked was sent
        self._problem = ""

    def leads(self) -> bool:
        """Whether this process may act now."""
        renewed = self._renewed
        fresh = renewed is not None and self._clock() - renewed < self._renew
        return fresh and self.holder == self.identity

    @property
    def holder(self) -> str:
        """Who leads as far as this process has seen; empty where nobody."""
        return str(self._seen.spec.get("holderIdentity") or "")

    def run(self, on_started: Callable[[], None], on_stopped: Callable[[], None]) -> None:
        """Until ``stop``: waits for the lease, leads, and after a loss waits again. The callbacks
        run on this thread and must return soon, or the lease is not renewed."""
        while not self._stopping.is_set():
            if not self._try():
                self._wait()
                continue
            log.info("%s leads", self.identity)
            try:
                on_started()
                while self.leads() and not self._stopping.is_set():
                    self._wait()
                    if self.leads() and not self._stopping.is_set():
                        self._try()  # where it fails, it is tried again until the deadline
            finally:
                if self._stopping.is_set():
                    self._release()
                self._renewed = None
                log.info("%s leads no more", self.identity)
                on_stopped()

    def stop(self) -> None:
        """Ends ``run`` and gives the lease up, so that another need not wait."""
        self._stopping.set()

    def _wait(self) -> None:
        self._stopping.wait(self._retry * random.uniform(0.9, 1.2))  # noqa: S311

    def _try(self) -> bool:
        """Takes or renews the lease; false where another holds it or the server does not say."""
        begun = self._clock()
        try:
            held = self._renew_seen() if self._renewed is not None else self._take()
        except (Conflict, NotFound):  # somebody wrote, or our own write whose answer was lost
            held = self._read_again()
        except ClusterError as error:
            self._tell(str(error))
            return False
        self._tell("")
        if held:
            self._renewed = begun
        return held

    def _read_again(self) -> bool:
        try:
            return self._take()
        except ClusterError as error:
            self._tell(str(error))
            return False

    def _renew_seen(self) -> bool:
        """A write without a read: the version that we know has to be the current one."""
        spec = {
            **self._seen.spec,
            "renewTime": rfc3339("microseconds"),
            "leaseDurationSeconds": self._seconds,
        }
        self._write(spec)
        return True

    def _take(self) -> bool:
        found = self._limited().find(LEASES, self._name, self._namespace)
        if found is None:
            return self._make()
        self._see(found)
        spec = self._seen.spec
        holder = self.holder
        if holder == self.identity:
            return self._renew_seen()
        if holder and self._clock() - self._seen.since < self._term(spec):
            return False
        moves = int(spec.get("leaseTransitions") or 0) + 1
        self._write(self._record(moves))
        return True

    def _make(self) -> bool:
        body = {
            "apiVersion": LEASES.api_version,
            "kind": LEASES.kind,
            "metadata": {"name": self._name, "namespace": self._namespace},
            "spec": self._record(0),
        }
        try:
            self._see(self._limited().create(LEASES, body, manager=MANAGER))
        except AlreadyExists:
            self._seen = _Seen()
            return False
        return True

    def _write(self, spec: Object, seconds: float | None = None) -> None:
        body = {"metadata": {"resourceVersion": self._seen.version}, "spec": spec}
        self._see(
            self._limited(seconds).patch(
                LEASES, self._name, body, namespace=self._namespace, manager=MANAGER
            )
        )

    def _release(self) -> None:
        if not self.leads():
            return
        spec = {**self._seen.spec, "holderIdentity": "", "leaseDurationSeconds": 1}
        try:
            self._write({**spec, "renewTime": rfc3339("microseconds")}, seconds=self._retry)
        except ClusterError as error:
            log.warning("the lease was not released: %s", error)

    def _see(self, lease: Object) -> None:
        version = lease["metadata"]["resourceVersion"]
        if version != self._seen.version:
            self._seen = _Seen(version, lease.get("spec") or {}, self._clock())

    def _term(self, spec: Object) -> float:
        """Seconds for which an unchanged record counts: its own, else ours."""
        return float(spec.get("leaseDurationSeconds") or self._duration)

    @property
    def _seconds(self) -> int:
        return max(1, round(self._duration))

    def _record(self, moves: int) -> Object:
        return {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": self._seconds,
            "acquireTime": rfc3339("microseconds"),
            "renewTime": rfc3339("microseconds"),
            "leaseTransitions": moves,
        }

    def _limited(self, seconds: float | None = None) -> Api:
        """Requests end before the deadline of the leader that sends them."""
        if seconds is None:
            left = self._renew
            if self._renewed is not None:
                left -= self._clock() - self._renewed
            seconds = min(self._renew / 2, left)
        seconds = max(SHORTEST_REQUEST, seconds)
        return self._api.limited(read_seconds=seconds, connect_seconds=seconds)

    def _tell(self, problem: str) -> None:
        if problem and problem != self._problem:
            log.warning("lease %s/%s: %s", self._namespace, self._name, problem)
        self._problem = problem
