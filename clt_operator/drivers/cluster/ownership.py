"""Who wants a Job: shared Jobs have several owners, and the last one to leave deletes it."""

from collections.abc import Callable, Mapping
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

    def marked(self, job: Object) -> bool:
        """Whether it is an owner by reference and by label."""
        return self.owns(job) and self.owner.label in (job["metadata"].get("labels") or ())

    def join(self, job: Object) -> None:
        """Becomes one of a Job's owners."""
        if self.marked(job) or not self.leads():
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

    def relabel(self, job: Object, labels: Mapping[str, str]) -> None:
        """Gives a Job back the labels that somebody took away: without them no watch shows it."""
        if not self.leads():
            return
        meta = job["metadata"]
        change = {"metadata": {"uid": meta["uid"], "labels": dict(labels)}}
        with suppress(NotFound, Conflict):
            self.api.patch(JOBS, meta["name"], change, namespace=self.namespace, manager=MANAGER)

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

    def unmark(self, job: Object) -> None:
        """Of an experiment that is gone: takes its label off a Job that others go on with. Its
        reference is Kubernetes' to remove."""
        meta = job["metadata"]
        others = [o for o in meta.get("ownerReferences") or () if o.get("name") != self.owner.name]
        if others and self.owner.label in (meta.get("labels") or ()) and self.leads():
            change = {"metadata": {"uid": meta["uid"], "labels": {self.owner.label: None}}}
            with suppress(NotFound, Conflict):
                self.api.patch(
                    JOBS, meta["name"], change, namespace=self.namespace, manager=MANAGER
                )

    def delete(self, job: Object) -> bool:
        """Whether the Job is going, or gone."""
        meta = job["metadata"]
        if not self.leads():
            return False
        if not meta.get("deletionTimestamp"):
            self.api.delete(JOBS, meta["name"], namespace=self.namespace, uid=meta["uid"])
        return True
