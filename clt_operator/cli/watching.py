"""Experiments as they change: what ``get -w``, ``wait`` and ``apply --wait`` look at."""

import queue
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from clt_operator.api.errors import CltError
from clt_operator.cli.live import Live, Object, condition, is_current, phase_of, status_of
from clt_operator.cli.stored import NotFound

if TYPE_CHECKING:
    from clt_operator.cluster.api import Api

TICK = 0.5  # seconds between looks at the clock while nothing changes
ENDED = {"Complete": "complete", "Failed": "failed", "Cancelled": "failed", "Rejected": "failed"}


class TimedOut(CltError):
    """What was waited for did not come in time."""


def changes(api: "Api", namespace: str, labels: str = "") -> Iterator[tuple[str, Object] | None]:
    """Every experiment that is there, then every change; None now and then, for the clock."""
    from clt_operator.cluster.resources import EXPERIMENTS
    from clt_operator.cluster.watch import Cache

    seen: queue.SimpleQueue[tuple[str, Object]] = queue.SimpleQueue()

    def note(event: str, old: Object | None, new: Object | None) -> None:
        seen.put((event, new or old or {}))

    cache = Cache(
        api, EXPERIMENTS, namespace, labels=labels, trim=lambda item: item, on_change=note
    )
    cache.start()
    try:
        while True:
            try:
                yield seen.get(timeout=TICK)
            except queue.Empty:
                yield None
    finally:
        cache.stop()


def follow(
    live: Live,
    name: str,
    verdict: Callable[[Object], str | None],
    timeout: float | None,
    tell: Callable[[Object], None] = lambda _: None,
) -> str:
    """The first verdict on an experiment that is not None.

    Raises TimedOut after ``timeout`` seconds (None: never), NotFound where the experiment is
    deleted meanwhile.
    """
    first = live.get(name)
    uid = first["metadata"]["uid"]
    deadline = None if timeout is None else time.monotonic() + timeout
    tell(first)
    found = verdict(first)
    if found is not None:
        return found
    for change in changes(live.api, live.namespace):
        if change and change[1]["metadata"].get("uid") == uid:
            if change[0] == "DELETED":
                raise NotFound(f"experiment {name} was deleted meanwhile")
            tell(change[1])
            found = verdict(change[1])
            if found is not None:
                return found
        if deadline is not None and time.monotonic() > deadline:
            raise TimedOut(f"timed out waiting for experiment {name} after {timeout:g} s")
    raise AssertionError("unreachable: changes do not end")


def ended(item: Object) -> str | None:
    """``complete`` or ``failed``; None while it goes on, or where the status is of an older
    spec or request."""
    return ENDED.get(phase_of(item)) if is_current(item) else None


def has_condition(kind: str, wanted: str = "True") -> Callable[[Object], str | None]:
    """A verdict on a condition by its type, of the spec as it is now."""

    def verdict(item: Object) -> str | None:
        found = condition(item, kind)
        met = is_current(item) and str(found.get("status", "")) == wanted
        return kind if met else None

    return verdict


class Teller:
    """Says how far an experiment is, each time that this changes."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say, self._last = say, ""

    def __call__(self, item: Object) -> None:
        text = progress(item)
        if text != self._last:
            self._last = text
            self._say(text)


def progress(item: Object) -> str:
    """One line: phase, counts, time left, and what is wrong."""
    status = status_of(item)
    parts = [phase_of(item)]
    if status.get("done"):
        parts.append(f"{status['done']} done")
    parts += [f"{status[name]} {name}" for name in ("running", "failed") if status.get(name)]
    if status.get("eta"):
        parts.append(f"{status['eta']} left")
    degraded = condition(item, "Degraded")
    if degraded.get("status") == "True":
        parts.append(f"{degraded.get('reason')}: {degraded.get('message')}")
    return ", ".join(parts)


def why_ended(item: Object) -> Iterator[str]:
    """What a status says of its end."""
    for kind in ("Accepted", "Failed"):
        found: dict[str, Any] = condition(item, kind)
        if found.get("status") == ("False" if kind == "Accepted" else "True"):
            yield f"{found.get('reason')}: {found.get('message')}"
    for failure in status_of(item).get("failures") or ():
        key = str(failure.get("key", ""))[:16]
        yield f"failed: {failure.get('kind')} {failure.get('name')} {key}: {failure.get('message')}"
