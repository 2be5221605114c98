"""How long steps take, by kind, and what that says of the time left."""

import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from clt_operator.api.step import Step
from clt_operator.drivers.observer import Event
from clt_operator.reconcile import Status

BEGINNINGS: frozenset[Event] = frozenset({"started", "adopted"})


@dataclass
class Running:
    step: Step
    since: float
    figures: dict[str, float] = field(default_factory=dict)


class Pace:
    """How long steps take, by kind, and what that says of the rest. Seconds."""

    def __init__(self, slots: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.slots, self.clock = slots, clock
        self.running: dict[str, Running] = {}
        self._spent: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])  # seconds, steps

    def note(self, step: Step, event: Event) -> None:
        if event in BEGINNINGS:
            self.running[step.key] = Running(step, self.clock())
            return
        begun = self.running.pop(step.key, None)
        if begun is not None and event == "committed":
            spent = self._spent[step.kind]
            spent[0] += self.clock() - begun.since
            spent[1] += 1

    def left_of(self, running: Running) -> float | None:
        """Seconds until a running step ends, by its own figures, else by its kind's mean."""
        spent = self.clock() - running.since
        done, total = running.figures.get("done", 0.0), running.figures.get("total", 0.0)
        if 0 < done <= total:
            return spent * (total - done) / done
        mean = self._mean(running.step.kind)
        return None if mean is None else max(0.0, mean - spent)

    def left(self, status: Status) -> float | None:
        """Seconds until everything is done; None where a kind's pace is not known yet."""
        total = 0.0
        for running in self.running.values():
            own = self.left_of(running)
            if own is None:
                return None
            total += own
        for kind, row in status.counts.items():
            waiting = row.get("ready", 0) + row.get("pending", 0)
            mean = self._mean(kind)
            if waiting and mean is None:
                return None
            total += waiting * (mean or 0.0)
        return total / max(1, self.slots)

    def _mean(self, kind: str) -> float | None:
        seconds, steps = self._spent[kind]
        return seconds / steps if steps else None
