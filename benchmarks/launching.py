"""A thousand steps that are ready at once: the operator beside kubectl and a bare client.

All three make the same Jobs with the same account, each in a namespace of its own, in turns.
The operator's time runs from the answer to the creation of the Experiment to the answer to its
last Job: accepting, locking, planning, listing the store and storing the documents are in it.
The rivals' time runs from the start of their process, with the manifests rendered in a file.
"""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from audit_times import answered
from cluster.harness.kueue import Kueue
from cluster.harness.profiles import POOLS, STORE, STORE_SECRET
from cluster.harness.waiting import until
from scene import Place, Scene, run, scene
from studies import NAME, before, commit, level_of, planned, wide

from clt_operator.api.profiles import Owner, PoolProfile, Settings, StoreProfile
from clt_operator.api.spec.compute import ComputeSpec
from clt_operator.render.job import render_batch

HERE = Path(__file__).parent
LAUNCH_SECONDS = 120
QUEUE = "team"

Around = Literal["idle", "working", "queue"]
CONTENDERS = ("operator", "kubectl", "bare client")


def compare(around: Around, steps: int, runs: int) -> dict[str, dict[str, list[float]]]:
    """Jobs per second by contender: ``whole`` with all that comes before the first Job,
    ``launching`` from the first Job's request to the last one's answer.

    ``around``: ``idle``, nobody works on the Jobs (no controller-manager, no scheduler);
    ``working``, controllers, scheduler and KWOK make pods of them at the same time; ``queue``,
    Kueue admits them, too.
    """
    found: dict[str, dict[str, list[float]]] = {
        name: {"whole": [], "launching": []} for name in CONTENDERS
    }
    for turn in range(runs):  # each on a new control plane: audit logs of 100 MB are rotated
        with scene() as at, _surroundings(at, around) as kueue:
            for name in CONTENDERS[turn % 3 :] + CONTENDERS[: turn % 3]:
                whole, launching = _one(at, name, steps, kueue)
                found[name]["whole"].append(steps / whole)
                found[name]["launching"].append(steps / launching)
    return found


@contextmanager
def _surroundings(at: Scene, around: Around) -> Iterator[Kueue | None]:
    if around == "queue":
        with Kueue(at.cluster) as kueue:
            yield kueue
        return
    if around == "idle":
        at.cluster.control.controllers.kill()
        at.cluster.control.scheduler.kill()
    yield None


def _one(at: Scene, name: str, steps: int, kueue: Kueue | None) -> tuple[float, float]:
    """Seconds: with all that comes before, and of the Jobs alone."""
    profiles = {"queue": QUEUE} if kueue else {}
    with at.place(name.partition(" ")[0], **profiles) as place:
        if kueue:
            kueue.queue(place.namespace, QUEUE, cpu="100000", memory="1000000Gi")
        spec = wide(steps)
        graph = planned(spec, place.namespace).graph
        level = level_of(graph, "train")
        assert len(level) == steps, f"{len(level)} trainings are ready at once, not {steps}"
        commit(place.folder, before(graph, level))
        if name == "operator":
            place.operator()
            log = at.cluster.control.audit_log
            mark = log.stat().st_size
            place.experiments.create(spec, NAME)
            begun = time.time()
        else:
            uid = place.experiments.create(spec, NAME)["metadata"]["uid"]
            rendered = _render(place, spec, level, uid, bool(kueue))
            log = at.cluster.control.audit_log
            mark = log.stat().st_size
            begun = time.time()
            _apply(place, name, rendered)
        until(lambda: _made(place) >= steps, LAUNCH_SECONDS, what="all Jobs are there", pause=0.5)
        times = [
            (request.received, request.answered)
            for request in answered(log, mark, ("jobs",))
            if request.user == place.user and request.verb in ("create", "patch")
        ]
        assert len(times) == steps, f"{len(times)} Jobs were made, not {steps}"
        first, last = min(received for received, _ in times), max(end for _, end in times)
        place.clear()
        return last - begun, last - first


def _made(place: Place) -> int:
    """How many Jobs there are; asked with a list of one, which costs little."""
    listed = place.cluster.client.get(place.jobs_path, limit=1)
    return len(listed["items"]) + int(listed["metadata"].get("remainingItemCount", 0))


def _render(place: Place, spec: dict, level: list, uid: str, queued: bool) -> Path:
    """The manifests that the operator makes of the steps, one a line."""
    settings = Settings(
        image="clt-jobs:test",
        namespace=place.namespace,
        store_name=STORE,
        store=StoreProfile(
            uri=place.store.uri,
            secret=STORE_SECRET,
            environment=dict(place.store.plain_environment),
        ),
        pools={name: PoolProfile.model_validate(pool) for name, pool in POOLS.items()},
        queue=QUEUE if queued else "",
    )
    compute = ComputeSpec.model_validate(spec["compute"])
    owner = Owner(NAME, uid)
    target = place.directory / "manifests.json"
    with target.open("w", encoding="utf-8") as lines:
        for step in level:
            (job,) = render_batch([step], compute, settings, owner)
            lines.write(json.dumps(job, separators=(",", ":")) + "\n")
    return target


def _apply(place: Place, name: str, manifests: Path) -> None:
    if name == "kubectl":
        command = [place.cluster.control.binaries["kubectl"], f"--kubeconfig={place.kubeconfig}"]
        run(*command, "apply", "--server-side", "-f", manifests)
    else:
        run(sys.executable, HERE / "bare_client.py", place.kubeconfig, manifests)
