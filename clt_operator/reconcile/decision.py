"""What a reconcile asks for, and what it says of the experiment."""

from dataclasses import dataclass
from typing import Literal

Phase = Literal["pending", "ready", "queued", "running", "done", "failed", "blocked", "unneeded"]
PHASES: tuple[Phase, ...] = (
    "pending",
    "ready",
    "queued",
    "running",
    "done",
    "failed",
    "blocked",
    "unneeded",
)
Finished = Literal["complete", "failed"]
MOST_FAILURES = 10  # shown in a status; the store has them all


@dataclass(frozen=True, slots=True)
class RecordLost:
    """Write outcome ``lost`` for an attempt whose holder is gone without a word."""

    key: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Launch:
    """Make one Job for these keys, to be run in this order."""

    keys: tuple[str, ...]


Action = RecordLost | Launch


@dataclass(frozen=True, slots=True)
class Failure:
    """A step that will not be tried again, and why."""

    key: str
    kind: str
    name: str  # its labels, for people
    attempts: int
    message: str


@dataclass(frozen=True)
class Status:
    """Counts by kind and phase, and the first failures: small, whatever the graph's size.

    Phase ``unneeded``: not committed, and nothing that is still to be computed reads it.
    """

    counts: dict[str, dict[Phase, int]]  # kinds in the order of the graph; zero counts left out
    failures: tuple[Failure, ...]
    finished: Finished | None

    def total(self, *phases: Phase) -> int:
        """Steps in any of these phases (in all of them when none is named)."""
        wanted = phases or PHASES
        return sum(row.get(phase, 0) for row in self.counts.values() for phase in wanted)


@dataclass(frozen=True)
class Decision:
    """Actions in the order in which to do them. ``failed`` are the keys that will not be tried
    again, ``blocked`` those that wait for one of them for ever."""

    actions: tuple[Action, ...]
    status: Status
    failed: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()

    @property
    def finished(self) -> Finished | None:
        return self.status.finished

    @property
    def launches(self) -> tuple[Launch, ...]:
        return tuple(action for action in self.actions if isinstance(action, Launch))
