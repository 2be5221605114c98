"""The stub artifact writer: plays the container of every pod that the operator's Jobs make.

It watches the pods of one namespace (or of all), takes store and keys from the container's
arguments, lets ``container`` speak the runner's protocol with the store, and ends the pod with
the exit code. KWOK did what comes before (``stages.yaml``) and removes deleted pods once they
have ended.

    python -m cluster.harness.stub --kubeconfig FILE [--namespace NS] [--delay SECONDS]

runs it as a process of its own, for benchmarks.
"""

import argparse
import logging
import os
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cluster.harness.client import Client, Json, Refused, patiently
from cluster.harness.container import Container, Ending, Record
from cluster.harness.pods import ended
from cluster.harness.script import Rule, Script
from cluster.harness.waiting import until

from clt_operator.store import open_store
from clt_operator.store.artifacts import Artifacts
from clt_operator.store.protocol import ObjectStore

log = logging.getLogger("clt.stub")

LABELS = "app.kubernetes.io/managed-by=clt"
INDEX = "batch.kubernetes.io/job-completion-index"
JOB = "batch.kubernetes.io/controller-uid"
OVER = ("Succeeded", "Failed")


class Stub:
    """``start`` and ``stop``; ``script`` says how steps behave; ``records`` says what was done."""

    def __init__(
        self, client: Client, namespace: str = "", environment: Mapping[str, str] | None = None
    ) -> None:
        """``environment`` holds the credentials of stores, instead of the pods' Secrets."""
        self.script = Script()
        self._client, self._environment = client, environment
        scope = f"/namespaces/{namespace}" if namespace else ""
        self._path = f"/api/v1{scope}/pods"
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._stores: dict[str, ObjectStore] = {}
        self._containers: dict[str, Container] = {}  # by pod uid; ended ones stay
        self._first: dict[str, tuple[threading.Event, list[Ending]]] = {}  # by Job uid
        self._records: list[Record] = []
        self._threads: list[threading.Thread] = []
        self.faults: list[str] = []  # what no test asked for

    # -- for tests ---------------------------------------------------------------------------

    def add(self, **rule: Any) -> Rule:
        """See ``Script.add``."""
        return self.script.add(**rule)

    def hold(self, **which: str) -> threading.Event:
        """See ``Script.hold``."""
        return self.script.hold(**which)

    @property
    def records(self) -> list[Record]:
        """Every attempt so far, in the order of their ends."""
        with self._lock:
            return list(self._records)

    def commits(self) -> Counter[str]:
        """How many attempts of each key say that they committed: never more than one."""
        return Counter(r.key for r in self.records if r.outcome == "committed")

    def attempts(self, key: str = "", kind: str = "") -> list[Record]:
        """The attempts of steps whose key begins with ``key``, of kinds that begin with
        ``kind``."""
        return [r for r in self.records if r.key.startswith(key) and r.kind.startswith(kind)]

    def working(self, kind: str = "", key: str = "", seconds: float = 60) -> Container:
        """A container that works on a step of this kind (that a gate, a delay or a hang holds)
        as soon as there is one; ``.pod`` names its pod, ``.doing`` the step."""
        return until(lambda: self._working(kind, key), seconds, what=f"a pod works on {kind} {key}")

    # -- life --------------------------------------------------------------------------------

    def start(self) -> "Stub":
        thread = threading.Thread(target=self._watch, daemon=True, name="stub-watch")
        self._threads.append(thread)
        thread.start()
        return self

    def stop(self) -> None:
        """Containers that still work vanish without a word. The watch notices within seconds
        and is not waited for."""
        self._stop.set()
        self.script.clear()
        with self._lock:
            containers = list(self._containers.values())
        for container in containers:
            container.vanish()

    def __enter__(self) -> "Stub":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    # -- pods --------------------------------------------------------------------------------

    def _watch(self) -> None:
        for kind, pod in self._client.follow(self._path, self._stop, LABELS):
            try:
                self._on_pod(kind, pod)
            except Exception as error:
                self._fault(f"pod {pod['metadata']['name']}: {error!r}")

    def _on_pod(self, kind: str, pod: Json) -> None:
        uid, phase = pod["metadata"]["uid"], pod.get("status", {}).get("phase")
        container = self._containers.get(uid)
        if container is None:
            if phase == "Running" and kind != "DELETED":
                self._begin(pod)
                container = self._containers.get(uid)
        elif kind == "DELETED" or phase in OVER:
            container.vanish()
        if container is not None and pod["metadata"].get("deletionTimestamp"):
            container.terminate()

    def _begin(self, pod: Json) -> None:
        uri, keys = _arguments(pod)
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        container = Container(self._artifacts(uri), self.script, name, uid, keys, self._record)
        with self._lock:
            self._containers[container.uid] = container
        threading.Thread(
            target=self._play, args=(container, pod), daemon=True, name=f"pod-{container.uid[:8]}"
        ).start()

    def _play(self, container: Container, pod: Json) -> None:
        try:
            ending = self._run(container, pod)
            if ending is None or self._stop.is_set():
                return
            self._end(pod, ending)
        except BaseException as error:
            self._fault(f"pod {pod['metadata']['name']}: {error!r}")

    def _run(self, container: Container, pod: Json) -> Ending | None:
        """Of a Job of several pods the first one works; the others end as it does."""
        labels = pod["metadata"].get("labels", {})
        with self._lock:
            over, endings = self._first.setdefault(labels.get(JOB, ""), (threading.Event(), []))
        if labels.get(INDEX, "0") == "0":
            ending = container.run()
            endings[:] = [ending] if ending else []
            over.set()
            return ending
        while not over.wait(0.1):
            if container.stop.is_set():
                return None if container.gone.is_set() else Ending(75)
        return endings[0] if endings else None

    def _end(self, pod: Json, ending: Ending) -> None:
        metadata = pod["metadata"]
        path = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/status"
        body = {
            "metadata": {"uid": metadata["uid"]},
            "status": ended(pod, ending.code, ending.reason),
        }
        try:
            patiently(lambda: self._client.patch(path, body, "strategic"))
        except Refused as error:
            if error.status not in (404, 409):  # it was removed meanwhile
                raise

    # -- small things ------------------------------------------------------------------------

    def _artifacts(self, uri: str) -> Artifacts:
        with self._lock:
            if uri not in self._stores:
                self._stores[uri] = open_store(uri, self._environment)
            return Artifacts(self._stores[uri])

    def _record(self, record: Record) -> None:
        with self._lock:
            self._records.append(record)

    def _working(self, kind: str, key: str) -> Container | None:
        with self._lock:
            containers = list(self._containers.values())
        for container in containers:
            doing = container.doing
            if doing and doing.kind.startswith(kind) and doing.key.startswith(key):
                return container
        return None

    def _fault(self, text: str) -> None:
        log.error("%s", text)
        with self._lock:
            self.faults.append(text)


def _arguments(pod: Json) -> tuple[str, tuple[str, ...]]:
    """Store and keys of a container, parsed as the runner parses them."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("--store", required=True)
    for option in ("--scratch", "--holder", "--hints"):
        parser.add_argument(option)
    parser.add_argument("keys", nargs="+")
    options = parser.parse_args(pod["spec"]["containers"][0]["args"])
    return options.store, tuple(options.keys)


def main() -> None:
    """Until it is interrupted."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--namespace", default="")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds that a step takes")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    stub = Stub(Client(options.kubeconfig), options.namespace, dict(os.environ))
    if options.delay:
        stub.add(delay=options.delay)
    stub.start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
