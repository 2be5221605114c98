"""A whole experiment of short steps: how long steps that are ready wait for the operator.

A step is **ready** from the moment in which the API server answered the write that finished the
last Job among those of its inputs (the first steps: from the answer to the creation of the
Experiment), and **launched** when the API server receives the request for its Job. Between the
two lies everything of the operator: the watch, looking at the store, settling the finished Job,
reconcile, storing documents, and the queue of its own requests. Both times are the API server's.

- ``path``: of the chain of Jobs that ended last (from the report back, each time to the Job for
  which it waited), the sum of these times: what the operator made the experiment longer by;
- ``waiting``: seconds in which at least one step was ready and not launched, all such spans
  taken together and overlaps counted once: the most that the operator can have cost;
- ``begin``: the part of it before the first Job, in which the experiment is accepted;
- ``reactions``: for every Job but the first ones, the time from the end of the Job for which it
  waited last to its creation.
"""

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from audit_times import Answered, answered
from scene import Place, playing, scene
from studies import NAME, deep, planned

from clt_operator.api.step import Graph
from clt_operator.cluster.trim import keys_of

LABELS = "app.kubernetes.io/managed-by=clt"


@dataclass(frozen=True)
class Ran:
    """One experiment. Times in seconds."""

    steps: int
    jobs: int
    seconds: float  # from the creation of the Experiment to the end of the report's Job
    path: float
    waiting: float
    begin: float
    reactions: tuple[float, ...]
    longest: float  # that any step waited


def measure(seeds: int, runs: int) -> list[Ran]:
    return [_once(seeds) for _ in range(runs)]


def _once(seeds: int) -> Ran:
    spec = deep(seeds)
    with scene() as at, at.place("run") as place:
        graph = planned(spec, place.namespace).graph
        with playing(place) as stub, Witness(place) as witness:
            place.operator()
            log = at.cluster.control.audit_log
            mark = log.stat().st_size
            place.experiments.create(spec, NAME)
            place.complete(NAME)
            faults = [line for line in stub.last_words().splitlines() if "ERROR" in line]
            assert not faults, faults
            carried = witness.carried()
        requests = list(answered(log, mark, ("jobs", "jobs/status", "experiments")))
    return evaluate(graph, carried, requests)


def evaluate(
    graph: Graph, carried: dict[str, tuple[str, ...]], requests: Sequence[Answered]
) -> Ran:
    """``carried`` are the keys of each Job by its name; every step ran once."""
    made: dict[str, float] = {}
    ended: dict[str, float] = {}
    applied = 0.0
    for request in requests:
        if request.resource == "experiments" and request.verb == "create":
            applied = request.answered
        elif request.resource == "jobs" and request.verb == "create":
            made.setdefault(request.name, request.received)
        elif request.resource == "jobs/status":
            ended[request.name] = request.answered  # the last write of a Job's status finishes it
    job_of = {key: name for name, keys in carried.items() for key in keys}
    spans: list[tuple[float, float]] = []
    reactions: list[float] = []
    last: dict[str, str] = {}  # the Job for which each Job waited
    for name, keys in carried.items():
        inputs = [_inputs(graph, key, job_of) for key in keys]
        ready = [max((ended[job] for job in jobs), default=applied) for jobs in inputs]
        spans.extend((since, made[name]) for since in ready)
        if waited := set().union(*inputs):
            last[name] = max(waited, key=ended.__getitem__)
            reactions.append(max(0.0, made[name] - ended[last[name]]))
    return Ran(
        steps=sum(len(keys) for keys in carried.values()),
        jobs=len(carried),
        seconds=max(ended.values()) - applied,
        path=_path(last, made, ended, applied),
        waiting=covered(spans),
        begin=min(made.values()) - applied,
        reactions=tuple(reactions),
        longest=max(end - since for since, end in spans),
    )


def _inputs(graph: Graph, key: str, job_of: dict[str, str]) -> set[str]:
    """The other Jobs that a step waits for."""
    return {job_of[item.key] for item in graph.steps[key].inputs} - {job_of[key]}


def _path(
    last: dict[str, str], made: dict[str, float], ended: dict[str, float], applied: float
) -> float:
    """The waits of the chain of Jobs that ended last."""
    total, name = 0.0, max(ended, key=ended.__getitem__)
    while name in last:
        total += max(0.0, made[name] - ended[last[name]])
        name = last[name]
    return total + made[name] - applied


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """How much of the time at least one span covers."""
    total, reached = 0.0, float("-inf")
    for begin, end in sorted(spans):
        if end > reached:
            total += end - max(begin, reached)
            reached = end
    return total


class Witness:
    """Watches Jobs and remembers which steps each carried: finished Jobs do not stay."""

    def __init__(self, place: Place) -> None:
        self._place, self._stop = place, threading.Event()
        self._carried: dict[str, tuple[str, ...]] = {}
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def carried(self) -> dict[str, tuple[str, ...]]:
        return dict(self._carried)

    def __enter__(self) -> "Witness":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def _watch(self) -> None:
        place = self._place
        for _, job in place.cluster.client.follow(place.jobs_path, self._stop, LABELS):
            name = job["metadata"]["name"]
            if name not in self._carried:
                self._carried[name] = keys_of(job)
