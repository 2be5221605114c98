"""What a driver sees of the cluster: caches that informers keep, and what was seen to go."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from clt_operator.api.profiles.settings import MEMBER_LABEL
from clt_operator.cluster.api import Api
from clt_operator.cluster.resources import EXPERIMENTS, JOBS, MANAGED, PODS
from clt_operator.cluster.trim import trim_job, trim_pod
from clt_operator.cluster.watch import Cache
from clt_operator.drivers.cluster import verdicts
from clt_operator.drivers.cluster.gone import Counts, Gone

Object = dict[str, Any]
Wake = Callable[[str, str], None]  # namespace, experiment
OnPod = Callable[[Object, Object | None], None]  # a pod that is there, and its Job


class World(Protocol):
    def jobs(self, namespace: str) -> list[Object]: ...

    def job(self, namespace: str, name: str) -> Object | None: ...

    def pods(self, job_uid: str) -> list[Object]: ...

    def pod(self, uid: str) -> Object | None: ...

    def gone(self, uid: str) -> bool:
        """Whether this process saw a pod or a Job of this uid go."""
        ...

    def pods_gone(self, job_uid: str) -> int:
        """How many pods of a Job this process saw go."""
        ...

    def beside(self, pod: Object) -> list[Object]:
        """The pods of the same Job, this one included."""
        ...

    def disrupted(self, job_uid: str) -> bool:
        """Whether this process saw a pod of a Job being taken away from outside."""
        ...

    def endings(self, namespace: str) -> int:
        """How many Jobs of a namespace this process saw finish."""
        ...


class Caches:
    """Jobs and pods of this installation in some namespaces (none named: in all of them)."""

    def __init__(
        self,
        api: Api,
        namespaces: Iterable[str],
        wake: Wake,
        on_pod: OnPod = lambda _pod, _job: None,
    ) -> None:
        self._on_pod = on_pod
        self._wake, self._gone, self._pods_gone = wake, Gone(), Counts()
        self._disrupted = Gone()  # Jobs
        self._endings: Counter[str] = Counter()  # by namespace
        self._jobs: dict[str, Cache] = {}
        self._pods: dict[str, Cache] = {}
        for namespace in namespaces or ("",):
            jobs = Cache(
                api, JOBS, namespace, labels=MANAGED, trim=trim_job, on_change=self._job_changed
            )
            jobs.index("namespace", _namespace)
            pods = Cache(
                api, PODS, namespace, labels=MANAGED, trim=trim_pod, on_change=self._pod_changed
            )
            pods.index("job", _job_of)
            pods.index("uid", _uid)
            self._jobs[namespace], self._pods[namespace] = jobs, pods

    def start(self) -> None:
        for cache in self._all():
            cache.start()

    def stop(self) -> None:
        for cache in self._all():
            cache.stop()

    def synced(self) -> bool:
        return all(cache.synced() for cache in self._all())

    def silence(self) -> float:
        return max(cache.silence() for cache in self._all())

    def jobs(self, namespace: str) -> list[Object]:
        return self._of(self._jobs, namespace).by("namespace", namespace)

    def every_job(self) -> list[Object]:
        return [job for cache in self._jobs.values() for job in cache.list()]

    def job(self, namespace: str, name: str) -> Object | None:
        return self._of(self._jobs, namespace).get(namespace, name)

    def pods(self, job_uid: str) -> list[Object]:
        return [pod for cache in self._pods.values() for pod in cache.by("job", job_uid)]

    def pod(self, uid: str) -> Object | None:
        found = (pod for cache in self._pods.values() for pod in cache.by("uid", uid))
        return next(found, None)

    def gone(self, uid: str) -> bool:
        return uid in self._gone

    def pods_gone(self, job_uid: str) -> int:
        return self._pods_gone[job_uid]

    def beside(self, pod: Object) -> list[Object]:
        return [one for job_uid in _job_of(pod) for one in self.pods(job_uid)] or [pod]

    def disrupted(self, job_uid: str) -> bool:
        return job_uid in self._disrupted

    def endings(self, namespace: str) -> int:
        return self._endings[namespace]

    def _all(self) -> list[Cache]:
        return [*self._jobs.values(), *self._pods.values()]

    def _of(self, caches: dict[str, Cache], namespace: str) -> Cache:
        return caches[namespace] if namespace in caches else caches[""]

    def _job_changed(self, event: str, old: Object | None, new: Object | None) -> None:
        job = new or old or {}
        if event == "DELETED":
            self._gone.add(job["metadata"]["uid"])
        elif event == "ADDED":  # again, where its labels were taken away and given back
            self._gone.discard(job["metadata"]["uid"])
        if verdicts.finished(job) and not (old and verdicts.finished(old)):
            self._endings[job["metadata"].get("namespace", "")] += 1
        self._wake_members(job)

    def _pod_changed(self, event: str, old: Object | None, new: Object | None) -> None:
        pod = new or old or {}
        if event == "DELETED":
            self._gone.add(pod["metadata"]["uid"])
            for job_uid in _job_of(pod):
                self._pods_gone.add(job_uid)
        if verdicts.disrupted(pod):
            for job_uid in _job_of(pod):
                self._disrupted.add(job_uid)
        if old and new and _gist(old) == _gist(new):
            return
        namespace = pod["metadata"].get("namespace", "")
        for owner in pod["metadata"].get("ownerReferences") or ():
            if owner.get("kind") == "Job":
                job = self.job(namespace, owner["name"])
                if new is not None:
                    self._on_pod(new, job)
                self._wake_members(job or pod)

    def _wake_members(self, item: Object) -> None:
        meta = item["metadata"]
        labels = [n for n in meta.get("labels") or () if n.startswith(MEMBER_LABEL)]
        names = {label[len(MEMBER_LABEL) :] for label in labels}
        for owner in meta.get("ownerReferences") or ():
            if owner.get("kind") == EXPERIMENTS.kind:
                names.add(owner["name"])
        for name in names:
            self._wake(meta.get("namespace", ""), name)


def _gist(pod: Object) -> tuple[object, ...]:
    """What of a pod concerns a driver."""
    return (
        pod["metadata"]["uid"],
        pod.get("status", {}).get("phase"),
        verdicts.alive(pod),
        verdicts.stuck(pod),
        verdicts.disrupted(pod),
        pod["metadata"].get("deletionTimestamp"),
    )


def _namespace(item: Object) -> tuple[str, ...]:
    return (item["metadata"].get("namespace", ""),)


def _uid(item: Object) -> tuple[str, ...]:
    return (item["metadata"]["uid"],)


def _job_of(pod: Object) -> tuple[str, ...]:
    owners = pod["metadata"].get("ownerReferences") or ()
    return tuple(owner["uid"] for owner in owners if owner.get("kind") == "Job")
