"""Writes the status of one Experiment where it changed, and the events that go with it.

Our own last statuses are remembered: for a moment they count for more than the cache, which may
not show them yet, and an event that shows another one was caused by somebody else.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from clt_operator.api.times import rfc3339
from clt_operator.drivers.cluster.status import (
    Fact,
    Facts,
    Type,
    condition,
    status_of,
    with_conditions,
)

TELL = 1.0  # seconds between two writes of a status that differ in counts alone
SLOW_TELL = 5.0  # the same while Jobs finish faster than they are looked at
LAG = 5.0  # seconds for which our own last write counts for more than the cache
REMEMBERED = 16  # statuses that were written, for events that come late

Object = dict[str, Any]


class Recorder(Protocol):
    def record(
        self, regarding: Object, type: Literal["Normal", "Warning"], reason: str, note: str
    ) -> None: ...


@dataclass
class Teller:
    publish: Callable[[Object, Object], None]  # experiment, new status
    events: Recorder
    leads: Callable[[], bool]
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._written: deque[Object] = deque(maxlen=REMEMBERED)  # statuses of ours, last of all
        self.forget()

    def forget(self) -> None:
        """The experiment is another one from now on."""
        self.published: Object = {}
        self._told = -LAG

    def known(self, item: Object) -> Mapping[str, Any]:
        """The status as it is: what this process wrote a moment ago, the cache may not show."""
        if self.published and self.clock() - self._told < LAG:
            return self.published
        return item.get("status") or {}

    def tell(self, item: Object, facts: Facts, *, busy: bool) -> float | None:
        """Publishes the status where it changed; seconds until a change that is only of counts
        may be told, None where there is none. ``busy``: there is more urgent work."""
        before = self.known(item)
        new = status_of(facts, _generation(item), before, rfc3339("seconds"))
        if new == before or {**new, "eta": before.get("eta")} == before:  # a time alone is no news
            return None
        wait = (SLOW_TELL if busy else TELL) - (self.clock() - self._told)
        if wait > 0 and _turns(new) == _turns(before):
            return min(wait, TELL)
        self._publish(item, before, new)
        return None

    def explain(self, item: Object, facts: Mapping[Type, Fact], phase: str) -> bool:
        """Changes some conditions of the status; whether there was anything new to say."""
        before, generation = self.known(item), _generation(item)
        new = with_conditions(before, facts, generation, rfc3339("seconds"))
        if phase:
            new["phase"] = phase
            new["observedGeneration"] = generation
        if new == before:
            return False
        self._publish(item, before, new)
        return True

    def mend(self, item: Object) -> None:
        """Writes our last status again where the object shows another."""
        if self.published and self.known(item) != self.published:
            self._publish(item, self.published, self.published)

    def overwritten(self, status: Object) -> bool:
        """Notes that an event showed this status; true where it is none of ours, so that what
        we wrote a moment ago counts no more."""
        if status in self._written:
            return False
        self._told = -LAG
        return True

    def _publish(self, item: Object, before: Mapping[str, Any], new: Object) -> None:
        if not self.leads():
            return
        last, self.published = self.published, new
        self._written.append(new)  # before it is sent: the watch may tell it before the answer
        try:
            self.publish(item, new)
        except BaseException:
            self.published = last
            raise
        self._told = self.clock()
        if new.get("phase") == before.get("phase"):
            return
        if before.get("phase") == "Suspended" and new.get("phase") == "Running":
            note = "spec.suspend is not set any more: Jobs are made for what is not committed"
            self.events.record(item, "Normal", "Resumed", note)
        for name in ("Complete", "Failed", "Suspended"):
            said = condition(new, name)
            if said.get("status") == "True":
                kind: Literal["Normal", "Warning"] = "Warning" if name == "Failed" else "Normal"
                self.events.record(item, kind, str(said["reason"]), str(said["message"]))


def _generation(item: Object) -> int:
    return int(item["metadata"].get("generation") or 1)


def _turns(status: Mapping[str, Any]) -> tuple[object, ...]:
    """What of a status is told at once."""
    conditions = status.get("conditions") or ()
    return (
        status.get("phase"),
        status.get("observedGeneration"),
        status.get("handledRequest"),
        status.get("lock"),
        status.get("failed"),
        *((c["type"], c["status"], c["reason"]) for c in conditions),
    )
