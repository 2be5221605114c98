"""Who wants a Job: shared Jobs have several owners, and the last one to leave deletes it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from clt_operator.api.profiles import Owner
from clt_operator.cluster.api import Api
from clt_operator.cluster.errors import Conflict, NotFound
from clt_operator.cluster.resources import JOBS

MANAGER = "clt-operator"

Object = dict[str, Any]


@dataclass(frozen=True)
class Ownership:
    """One experiment's part in the Jobs of its namespace. Where ``owner`` has no uid, no
    Experiment object owns the Jobs and only a label tells. Nothing is written by a process that
    does not lead."""

    api: Api
    namespace: str
    owner: Owner
    leads: Callable[[], bool]

    def owns(self, job: Object) -> bool:
        meta = job["metadata"]
        if not self.owner.uid:
            return self.owner.label in (meta.get("labels") or ())
        return any(o.get("uid") == self.owner.uid for o in meta.get("ownerReferences") or ())

    def join(self, job: Object) -> None:
        """Becomes one of a Job's owners."""
        if self.owns(job) or not self.leads():
            return
        body: Object = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {
                "name": job["metadata"]["name"],
                "namespace": self.namespace,
                "uid": job["metadata"]["uid"],  # another Job of that name is not meant
                "labels": {self.owner.label: "true"},
            },
        }
        if self.owner.uid:
            body["metadata"]["ownerReferences"] = [self.owner.reference()]
        member = f"clt-member-{self.owner.uid[:8] or self.owner.name[:50]}"
        with suppress(NotFound, Conflict):
            self.api.apply(JOBS, body, manager=member, force=True)

    def leave(self, job: Object) -> None:
        """Stops wanting a Job: the last owner deletes it, others only take their name off."""
        meta = job["metadata"]
        if not self.leads() or meta.get("deletionTimestamp"):
            return
        owners = meta.get("ownerReferences") or []
        others = [owner for owner in owners if owner.get("uid") != self.owner.uid]
        if not others:
            self.delete(job)
            return
        change = {
            "metadata": {
                "resourceVersion": meta["resourceVersion"],
                "labels": {self.owner.label: None},
                "ownerReferences": others,
            }
        }
        with suppress(NotFound, Conflict):  # it changed meanwhile: the next look decides again
            self.api.patch(JOBS, meta["name"], change, namespace=self.namespace, manager=MANAGER)

    def delete(self, job: Object) -> None:
        meta = job["metadata"]
        if self.leads() and not meta.get("deletionTimestamp"):
            self.api.delete(JOBS, meta["name"], namespace=self.namespace, uid=meta["uid"])
