"""Logs of running pods, several at a time, each line with where it comes from."""

import queue
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from clt_operator.cli.live import Object

if TYPE_CHECKING:
    from clt_operator.api.step import Step
    from clt_operator.cluster.api import Api

LOOK = 3.0  # seconds between looks for new pods
STARTED = frozenset({"Running", "Succeeded", "Failed"})


class PodLogs:
    """The pods of an experiment's Jobs."""

    def __init__(self, api: "Api", namespace: str, name: str) -> None:
        self.api, self.namespace, self.name = api, namespace, name

    def running(self) -> dict[str, Object]:
        """A pod that has started, by each step key that its Job carries."""
        return {key: pod for pod, keys in self._started() for key in keys}

    def show(self, pod: Object, step: "Step", tail: int | None, *, heading: bool) -> bool:
        """What the pod has printed so far; its Job may carry other steps, too. False where the
        pod cannot be read (any more)."""
        from clt_operator.cli.logs import title
        from clt_operator.cli.output import say, show
        from clt_operator.cluster.errors import ClusterError

        name = pod["metadata"]["name"]
        try:
            lines = list(self.api.pod_log(self.namespace, name, tail=tail))
        except ClusterError as error:
            say(f"the log of pod {name} cannot be read: {error}")
            return False
        if heading:
            show(title(step, f"pod {name}"))
        for line in lines:
            show(line.decode(errors="replace"))
        return True

    def follow(
        self, keys: set[str] | None, tail: int | None, over: Callable[[], bool] = lambda: True
    ) -> bool:
        """Prints lines as they come until no Job of these steps is left (None: of the
        experiment) and it is ``over``. False where there was no Job all the time."""
        from clt_operator.cli.output import flush, show
        from clt_operator.cli.scene import jobs_of
        from clt_operator.cluster.trim import keys_of

        lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        known: set[str] = set()
        open_pods = 0
        look_at = 0.0
        while True:
            if time.monotonic() >= look_at:
                jobs = [
                    job
                    for job in jobs_of(self.api, self.namespace, self.name)
                    if keys is None or keys.intersection(keys_of(job))
                ]
                for pod, _ in self._started(jobs):
                    name = pod["metadata"]["name"]
                    if name not in known:
                        known.add(name)
                        open_pods += 1
                        arguments = (name, tail, lines)
                        threading.Thread(target=self._read, args=arguments, daemon=True).start()
                if not jobs and not open_pods and lines.empty() and over():
                    return bool(known)
                look_at = time.monotonic() + LOOK
            try:
                line = lines.get(timeout=0.5)
            except queue.Empty:
                flush()
                continue
            if line is None:
                open_pods -= 1
            else:
                show(line)

    def _read(self, pod: str, tail: int | None, lines: "queue.SimpleQueue[str | None]") -> None:
        """On a thread of its own: the lines of one pod, then None."""
        from clt_operator.cluster.errors import ClusterError

        try:
            for line in self.api.pod_log(self.namespace, pod, follow=True, tail=tail):
                lines.put(f"{pod} | {line.decode(errors='replace')}")
        except ClusterError as error:
            lines.put(f"{pod} | ({error})")
        finally:
            lines.put(None)

    def _started(
        self, jobs: Iterable[Object] | None = None
    ) -> list[tuple[Object, tuple[str, ...]]]:
        from clt_operator.cli.scene import jobs_of, pods_of
        from clt_operator.cluster.trim import keys_of

        found = list(jobs) if jobs is not None else jobs_of(self.api, self.namespace, self.name)
        pods = pods_of(self.api, self.namespace, found)
        return [
            (pod, keys_of(job))
            for job in found
            for pod in pods.get(job["metadata"]["uid"], ())
            if (pod.get("status") or {}).get("phase") in STARTED
        ]
