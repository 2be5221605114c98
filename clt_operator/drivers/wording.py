"""Steps, counts, figures and times in words, for progress views."""

from clt_operator.api.step import Step
from clt_operator.drivers.observer import Result
from clt_operator.reconcile import Phase, Status, label_text

PHASES: tuple[Phase, ...] = (
    "done",
    "running",
    "queued",
    "ready",
    "pending",
    "failed",
    "blocked",
    "unneeded",
)


def name_of(step: Step) -> str:
    """Kind, labels and the beginning of the key, which is enough to ask for its logs."""
    return " ".join(part for part in (step.kind, label_text(step.labels), step.key[:12]) if part)


def summary(status: Status) -> str:
    """Counts by phase, such as "12 done, 3 running"."""
    parts = [f"{status.total(phase)} {phase}" for phase in PHASES if status.total(phase)]
    return ", ".join(parts) or "nothing to do"


def closing(result: Result) -> str:
    """The last word: how it ended, and what failed first."""
    head = (
        f"{result.finished} after {duration_text(result.seconds) or '0s'}: "
        f"{result.committed} steps committed now; {summary(result.status)}"
    )
    failures = [
        f"  {' '.join(part for part in (f.kind, f.name, f.key[:12]) if part)}: {f.message}"
        for f in result.status.failures
    ]
    return "\n".join([head, *failures])


def figures_text(figures: dict[str, float]) -> str:
    """Done of total first, then the others by name."""
    rest = {name: v for name, v in figures.items() if name not in ("done", "total")}
    parts = (
        [f"{figures['done']:g}/{figures['total']:g}"] if {"done", "total"} <= set(figures) else []
    )
    return " ".join([*parts, *(f"{name} {value:.4g}" for name, value in sorted(rest.items()))])


def duration_text(seconds: float | None) -> str:
    """Such as 1h02m, 3m20s, 45s; empty where unknown."""
    if seconds is None:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes:02}m"
    return f"{minutes}m{rest:02}s" if minutes else f"{rest}s"
