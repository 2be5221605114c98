"""How long Jobs wait until their first pod runs, each told once.

Jobs whose pods run already when a process starts to watch, or while it does not lead, are old:
another process told them, or nobody could.
"""

from collections.abc import Callable, Mapping
from typing import Any

from clt_operator.api.times import seconds_between
from clt_operator.drivers.cluster import verdicts
from clt_operator.drivers.cluster.exposing import queued
from clt_operator.drivers.cluster.gone import Gone

Object = Mapping[str, Any]


class Waits:
    """``tell`` takes kind, queue and seconds; ``watching`` says whether this process sees what
    happens as it happens, and leads."""

    def __init__(
        self, tell: Callable[[str, str, float], None], watching: Callable[[], bool]
    ) -> None:
        self._tell, self._watching = tell, watching
        self._told = Gone()

    def on_pod(self, pod: Object, job: Object | None) -> None:
        """A pod as an event shows it, and its Job where that is known already."""
        began = verdicts.began(pod)
        owners = pod["metadata"].get("ownerReferences") or ()
        uid = next((owner["uid"] for owner in owners if owner.get("kind") == "Job"), "")
        if not began or uid in self._told:
            return
        if not self._watching():
            self._told.add(uid)
        elif job is not None and job["metadata"]["uid"] == uid:
            self._told.add(uid)
            seconds = seconds_between(job["metadata"].get("creationTimestamp") or "", began)
            if seconds is not None:
                found = queued(job)
                self._tell(found.kind, found.queue, seconds)
