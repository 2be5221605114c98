"""What there is now, as samples: experiments by phase, their steps, Jobs that wait.

Worked out from the caches at each scrape, so that nothing outlives its experiment. Counts of
zero are left out. Pure but for the clock that it is given.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clt_operator.api import telemetry
from clt_operator.api.status import PHASES
from clt_operator.api.times import epoch
from clt_operator.cluster.resources import EXPERIMENTS
from clt_operator.drivers.cluster import verdicts
from clt_operator.drivers.cluster.families import Family
from clt_operator.reconcile import PHASES as STEP_PHASES
from clt_operator.render.job import QUEUE_LABEL
from clt_operator.render.labels import PREFIX

Object = Mapping[str, Any]
Place = tuple[str, str]  # namespace, experiment

OVER = frozenset({"Complete", "Failed", "Cancelled", "Rejected"})


def shown(items: Iterable[Object], most: int) -> list[Object]:
    """The experiments that are shown one by one: first those under way, then the newest."""

    def rank(item: Object) -> tuple[bool, float]:
        return is_over(item), -epoch(item["metadata"].get("creationTimestamp") or "")

    found = list(items)
    return found if len(found) <= most else sorted(found, key=rank)[:most]


def is_over(item: Object) -> bool:
    return (item.get("status") or {}).get("phase") in OVER


def place_of(item: Object) -> Place:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


def experiments(
    every: Sequence[Object],
    some: Sequence[Object],
    progressed: Callable[[Object], float],
    queue_of: Callable[[Object], str],
) -> Iterator[Family]:
    """``some`` of them one by one; ``progressed`` says when one last got further."""
    phases = Counter((item.get("status") or {}).get("phase") or "Pending" for item in every)
    by_phase = Family(telemetry.EXPERIMENTS)
    for phase in PHASES:
        by_phase.add([phase], phases[phase])
    yield by_phase
    info, ratio = Family(telemetry.EXPERIMENT_INFO), Family(telemetry.EXPERIMENT_PROGRESS)
    last, hours = Family(telemetry.EXPERIMENT_PROGRESSED), Family(telemetry.EXPERIMENT_GPU_HOURS)
    steps = Family(telemetry.EXPERIMENT_STEPS)
    for item in some:
        place, status = place_of(item), item.get("status") or {}
        info.add([*place, status.get("phase") or "Pending", queue_of(item)], 1)
        last.add(place, progressed(item))
        hours.add(place, _number(status.get("gpuHours")))
        done = needed = 0
        for row in status.get("counts") or ():
            done += row.get("done", 0)
            needed += sum(row.get(each, 0) for each in STEP_PHASES if each != "unneeded")
            for step_phase in STEP_PHASES:
                if row.get(step_phase):
                    steps.add([*place, row["kind"], step_phase], row[step_phase])
        ratio.add(place, done / needed if needed else 0.0)
    yield from (info, ratio, last, hours, steps)


def not_shown(counts: Mapping[str, int]) -> Family:
    """What has no series of its own, as far as this says how much."""
    family = Family(telemetry.NOT_SHOWN)
    for what, count in counts.items():
        family.add([what], count)
    return family


def _number(text: object) -> float:
    return float(text) if re.fullmatch(r"[0-9]+(\.[0-9]+)?", str(text)) else 0.0  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Queued:
    """Whose a Job is, and where it waits."""

    place: Place
    kind: str
    queue: str


def queued(job: Object) -> Queued:
    """The first of its owners is the one that made it."""
    meta = job["metadata"]
    owners = meta.get("ownerReferences") or ()
    maker = next((each["name"] for each in owners if each.get("kind") == EXPERIMENTS.kind), "")
    labels = meta.get("labels") or {}
    place = (meta.get("namespace", ""), maker)
    return Queued(place, labels.get(f"{PREFIX}kind", ""), labels.get(QUEUE_LABEL, ""))


def waiting(
    jobs: Iterable[Object],
    pods: Callable[[str], Sequence[Object]],
    places: frozenset[Place],
    now: float,
) -> Iterator[Family]:
    """Jobs of these experiments of which no pod runs; ``now`` in Unix time."""
    counts: Counter[tuple[str, ...]] = Counter()
    longest: dict[tuple[str, ...], float] = defaultdict(float)
    for job in jobs:
        if verdicts.finished(job) or (job.get("status") or {}).get("ready"):
            continue
        found = queued(job)
        if found.place not in places:
            continue
        if job["metadata"].get("deletionTimestamp") or verdicts.at_work(
            job, pods(job["metadata"]["uid"])
        ):
            continue
        counts[*found.place, found.kind, found.queue] += 1
        where = (*found.place, found.queue)
        longest[where] = max(longest[where], now - since(job))
    waits, oldest = Family(telemetry.JOBS_WAITING), Family(telemetry.JOBS_LONGEST_WAIT)
    for labels, count in sorted(counts.items()):
        waits.add(labels, count)
    for labels, seconds in sorted(longest.items()):
        oldest.add(labels, seconds)
    yield from (waits, oldest)


def since(job: Object) -> float:
    """When a Job began to wait (Unix time): at its making, or when its queue took it back."""
    begun = epoch(job["metadata"].get("creationTimestamp") or "")
    for condition in (job.get("status") or {}).get("conditions") or ():
        if condition.get("type") == "Suspended" and condition.get("status") == "True":
            begun = max(begun, epoch(condition.get("lastTransitionTime") or ""))
    return begun
