"""Events for people (events.k8s.io/v1): what happened to an object, shown by ``kubectl describe``.

Nobody waits for them: ``record`` puts a note into a bounded queue, and a thread writes. What is
said again of the same object within ten minutes is counted, and the count is written once per
ten minutes. Where the API server does not take them they are dropped.
"""

import logging
import threading
import time
import uuid
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from clt_operator.api.times import rfc3339
from clt_operator.cluster.api import Api, Object
from clt_operator.cluster.errors import AlreadyExists, ClusterError, NotFound
from clt_operator.cluster.resources import EVENTS

log = logging.getLogger(__name__)

CONTROLLER = "clt.dev/operator"
MANAGER = "clt-operator-events"
WINDOW = 600.0  # seconds
MOST_REMEMBERED = 1000  # (object, reason, note)
MOST_QUEUED = 500
LONGEST_NOTE = 1024  # bytes, the API's limit
PATIENCE = 5.0  # seconds for one event

EventType = Literal["Normal", "Warning"]
Key = tuple[str, ...]


@dataclass
class _Said:
    """One thing that is said of one object, once or many times."""

    key: Key
    body: Object
    last: float  # when it was last said
    written: float  # when it was last written, or queued
    count: int = 1
    count_written: int = 1
    last_time: str = ""


class Events:
    """Safe to share between threads; no method raises because of the cluster."""

    def __init__(
        self, api: Api, instance: str, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._api, self._instance, self._clock = api.limited(patience=PATIENCE), instance, clock
        self._said: OrderedDict[Key, _Said] = OrderedDict()
        self._queue: deque[_Said] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stopping = False
        self.dropped = 0  # events that were not written

    def record(
        self,
        regarding: Object,
        type: EventType,
        reason: str,
        note: str,
        action: str = "Reconcile",
    ) -> None:
        """Notes that something happened to an object (as the API serves it); returns at once."""
        body = _event(
            regarding,
            type=type,
            reason=reason,
            note=note,
            action=action,
            instance=self._instance,
        )
        about = body["regarding"]
        place = about["uid"] or f"{about['kind']}/{about['namespace']}/{about['name']}"
        key = (place, type, reason, body["note"])
        with self._changed:
            now = self._clock()
            said = self._said.get(key)
            if said is not None and now - said.last < WINDOW:
                said.count, said.last, said.last_time = said.count + 1, now, body["eventTime"]
                self._said.move_to_end(key)
                return
            if len(self._queue) >= MOST_QUEUED or self._stopping:
                self.dropped += 1
                return
            self._said[key] = said = _Said(key, body, now, now)
            self._said.move_to_end(key)
            if len(self._said) > MOST_REMEMBERED:
                self._said.popitem(last=False)
            self._queue.append(said)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="events", daemon=True)
                self._thread.start()
            self._changed.notify()

    def stop(self, seconds: float = 2.0) -> None:
        """Writes what is queued and not yet counted, for at most as long."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._stopping and not self._due():
                    self._changed.wait(self._until_due())
                new = self._queue.popleft() if self._queue else None
                due = [] if new else self._due()
                if new is None and not due and self._stopping:
                    return
            if new is not None:
                self._create(new)
            for said in due:
                self._count(said)

    def _due(self) -> list[_Said]:
        """What was said again since it was written long enough ago, or at all when stopping."""
        now = self._clock()
        return [
            said
            for said in self._said.values()
            if said.count > said.count_written and (self._stopping or now - said.written >= WINDOW)
        ]

    def _until_due(self) -> float | None:
        waiting = [s.written for s in self._said.values() if s.count > s.count_written]
        # What is counted while nothing waits wakes nobody: look again after one window.
        return max(0.1, min([*waiting, self._clock()]) + WINDOW - self._clock())

    def _create(self, said: _Said) -> None:
        try:
            self._api.create(EVENTS, said.body, manager=MANAGER)
        except AlreadyExists:
            """Names are random: it is ours, and its answer was lost."""
        except ClusterError as error:
            self._drop(said, error)

    def _count(self, said: _Said) -> None:
        count = said.count
        series = {"count": count, "lastObservedTime": said.last_time}
        metadata = said.body["metadata"]
        said.count_written, said.written = count, self._clock()
        try:
            self._api.patch(
                EVENTS,
                metadata["name"],
                {"series": series},
                namespace=metadata["namespace"],
                manager=MANAGER,
            )
        except NotFound:  # events live for an hour: the next time is a new one
            with self._changed:
                self._said.pop(said.key, None)
        except ClusterError as error:
            self._drop(said, error)

    def _drop(self, said: _Said, error: ClusterError) -> None:
        log.debug("event dropped: %s", error)
        with self._changed:
            self.dropped += 1
            if self._said.get(said.key) is said:
                del self._said[said.key]


def _event(
    regarding: Object, *, type: EventType, reason: str, note: str, action: str, instance: str
) -> Object:
    about = regarding.get("metadata") or {}
    name, namespace = about.get("name", ""), about.get("namespace", "")
    return {
        "apiVersion": EVENTS.api_version,
        "kind": EVENTS.kind,
        "metadata": {
            "name": f"{name[:200].rstrip('.-')}.{uuid.uuid4().hex[:16]}",
            "namespace": namespace or "default",
        },
        "eventTime": rfc3339("microseconds"),
        "reportingController": CONTROLLER,
        "reportingInstance": instance[:128],
        "action": action[:128],
        "reason": reason[:128],
        "type": type,
        "note": note.encode()[:LONGEST_NOTE].decode(errors="ignore"),
        "regarding": {
            "apiVersion": regarding.get("apiVersion", ""),
            "kind": regarding.get("kind", ""),
            "name": name,
            "namespace": namespace,
            "uid": about.get("uid", ""),
            "resourceVersion": about.get("resourceVersion", ""),
        },
    }
