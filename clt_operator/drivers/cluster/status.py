"""The status of an Experiment, from what was decided and seen. Pure.

Small whatever the study's size: counts by kind, the first failures, six conditions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from clt_operator.drivers.wording import duration_text
from clt_operator.reconcile import PHASES, Decision, Phase, Status

Type = Literal["Accepted", "Progressing", "Complete", "Failed", "Suspended", "Degraded"]
TYPES: tuple[Type, ...] = (
    "Accepted",
    "Progressing",
    "Complete",
    "Failed",
    "Suspended",
    "Degraded",
)
MOST_MESSAGE = 4096  # characters of a condition's message
COUNTED: tuple[Phase, ...] = PHASES
WANTED: tuple[Phase, ...] = tuple(phase for phase in PHASES if phase != "unneeded")

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fact:
    """What a condition says, without its times."""

    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str = ""


@dataclass(frozen=True)
class Facts:
    """Everything that a status tells. ``left`` are seconds, None where unknown."""

    phase: str
    conditions: Mapping[Type, Fact]
    counts: Mapping[str, int] = field(default_factory=dict)  # runs, trainings, cells, steps
    decision: Decision | None = None
    left: float | None = None
    store: str = ""
    store_uri: str = ""
    lock: str = ""
    report: str = ""
    gpu_hours: float = 0.0
    cost: str = ""
    handled: str = ""


def status_of(facts: Facts, generation: int, before: Mapping[str, Any], now: str) -> Object:
    """The status to be written; equal to ``before`` where nothing changed.

    ``now`` is RFC 3339 in whole seconds. Times of conditions that did not turn stay.
    """
    status: Object = {
        "observedGeneration": generation,
        "phase": facts.phase,
        "conditions": _conditions(facts.conditions, generation, before, now),
    }
    status.update(facts.counts)
    if facts.decision is not None:
        status.update(_progress(facts.decision.status, facts.left))
    started = before.get("startTime")
    if facts.phase in ("Running", "Complete", "Failed") and not started:
        started = now
    if started:
        status["startTime"] = started
    if facts.phase == "Complete":
        same = before.get("phase") == "Complete" and before.get("report") == facts.report
        status["completionTime"] = (before.get("completionTime") if same else None) or now
    named = {
        "store": facts.store,
        "storeUri": facts.store_uri,
        "lock": facts.lock,
        "report": facts.report,
        "gpuHours": f"{facts.gpu_hours:.2f}" if facts.gpu_hours else "",
        "cost": facts.cost,
        "handledRequest": facts.handled,
    }
    status.update({name: value for name, value in named.items() if value})
    return status


def with_conditions(
    before: Mapping[str, Any], changed: Mapping[Type, Fact], generation: int, now: str
) -> Object:
    """The former status with some conditions changed, where nothing else could be found out.
    The others go on speaking of the generation that they spoke of."""
    made = {c["type"]: c for c in _kept(before)}
    made |= {c["type"]: c for c in _conditions(changed, generation, before, now)}
    conditions = [made[name] for name in TYPES if name in made]
    return {"phase": "Pending", **before, "conditions": conditions}


def condition(status: Mapping[str, Any], name: Type) -> Mapping[str, Any]:
    """A condition by its type; empty where there is none."""
    return next((c for c in _kept(status) if c["type"] == name), {})


def _kept(status: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return status.get("conditions") or ()


def _conditions(
    facts: Mapping[Type, Fact], generation: int, before: Mapping[str, Any], now: str
) -> list[Object]:
    made = []
    for name in TYPES:
        fact = facts.get(name)
        if fact is None:
            continue
        held = condition(before, name)
        since = held.get("lastTransitionTime") if held.get("status") == fact.status else None
        made.append(
            {
                "type": name,
                "status": fact.status,
                "reason": fact.reason,
                "message": shortened(fact.message),
                "observedGeneration": generation,
                "lastTransitionTime": since or now,
            }
        )
    return made


def shortened(text: str) -> str:
    return text if len(text) <= MOST_MESSAGE else text[: MOST_MESSAGE - 1] + "…"


def _progress(status: Status, left: float | None) -> Object:
    done = status.total("done")
    total = status.total(*WANTED)
    progress: Object = {
        "counts": [
            {"kind": kind, **{phase: row[phase] for phase in COUNTED if row.get(phase)}}
            for kind, row in status.counts.items()
        ],
        "done": f"{done}/{total}",
        "failed": status.total("failed"),
        "queued": status.total("queued"),
        "running": status.total("running"),
        "progress": f"{100 * done // max(1, total)}%",
    }
    if left:
        progress["eta"] = _rounded(left)
    if status.failures:
        progress["failures"] = [
            {
                "key": failure.key,
                "kind": failure.kind,
                "name": failure.name[:256],
                "attempts": failure.attempts,
                "message": failure.message[:512],
            }
            for failure in status.failures
        ]
    return progress


def _rounded(seconds: float) -> str:
    """Coarse, so that a status does not change for a second more or less."""
    if seconds < 60:
        return "1m"
    if seconds < 3600:
        return f"{round(seconds / 60)}m"
    if seconds < 36_000:
        return duration_text(600 * round(seconds / 600))
    return f"{round(seconds / 3600)}h"
