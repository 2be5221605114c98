"""The first thing that a person asks: why is a step where it is, why is a study refused?"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clt_operator.api.step import Step
    from clt_operator.cli.live import Object
    from clt_operator.cli.stored import Stored
    from clt_operator.store.artifacts import AttemptState

SHOWN_INPUTS = 3
SHOWN_PROBLEMS = 10
REFUSED = "mend the spec, check it with cltctl plan SPEC, then apply it again"


def why(found: "Stored", step: "Step", attempts: "Sequence[AttemptState]") -> str:
    """In one sentence, with the last message of an attempt where that explains it."""
    phase = found.phases[step.key]
    ended = [state.outcome for state in attempts if state.outcome is not None]
    last = ended[-1] if ended else None
    tried = f"attempt {last.attempt}: {last.outcome}: {last.message}".rstrip(": ") if last else ""
    number = max((state.claim.attempt for state in attempts), default=0)
    reason = found.reasons.get(step.key, "")
    if phase == "failed":
        said = f"it is not tried again: {reason}"
        return said if not last or last.message in said else f"{said}; {tried}"
    if phase == "pending":
        return f"waits for {_inputs(found, step)}"
    return {
        "blocked": f"an input will not come: {reason}",
        "ready": f"is tried again: {tried}" if tried else "could run now",
        "queued": "its Job waits: no pod of it runs",
        "running": f"attempt {number} is at work" if number > len(ended) else "its Job runs",
        "unneeded": "nothing reads it any more",
    }.get(phase, "")


def _inputs(found: "Stored", step: "Step") -> str:
    """The inputs that are not there yet, each with its phase."""
    steps = found.plan.graph.steps
    keys = dict.fromkeys(item.key for item in step.inputs if found.phases.get(item.key) != "done")
    named = [f"{steps[k].kind} {k[:12]} ({found.phases[k]})" for k in keys if k in steps]
    more = f" and {len(named) - SHOWN_INPUTS} more" if len(named) > SHOWN_INPUTS else ""
    return ", ".join(named[:SHOWN_INPUTS]) + more


def problems_of(item: "Object") -> list[str]:
    """Every problem for which a spec is not accepted, a line each, as ``cltctl plan`` tells it."""
    from clt_operator.cli.live import condition

    accepted = condition(item, "Accepted")
    refused = accepted.get("status") == "False"
    return str(accepted.get("message") or "").splitlines() if refused else []


def refusals(items: "Sequence[Object]") -> Iterator[str]:
    """What to say of experiments that are rejected, with the next step."""
    from clt_operator.cli.live import phase_of

    rejected = [item for item in items if phase_of(item) == "Rejected"]
    for item in rejected:
        name, problems = item["metadata"]["name"], problems_of(item)
        yield f"{name} is rejected:"
        yield from (f"error: {problem}" for problem in problems[:SHOWN_PROBLEMS])
        if len(problems) > SHOWN_PROBLEMS:
            yield f"and {len(problems) - SHOWN_PROBLEMS} more: cltctl describe {name}"
    if rejected:
        yield f"next: {REFUSED}"
