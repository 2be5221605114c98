"""What a driver tells whoever watches it, and what it returns in the end."""

from dataclasses import dataclass
from typing import Literal, Protocol

from clt_operator.api.step import OutcomeKind, Step
from clt_operator.reconcile import Status

Ended = Literal["complete", "failed", "interrupted"]
Event = Literal["started", "adopted"] | OutcomeKind


@dataclass(frozen=True)
class Result:
    """``committed`` counts the steps that were committed while this driver watched;
    ``failed`` are the keys that will not be tried again."""

    finished: Ended
    status: Status
    jobs: int = 0  # processes started
    committed: int = 0
    failed: tuple[str, ...] = ()
    seconds: float = 0.0


class Observer(Protocol):
    """Called from the driver's own thread; must return soon."""

    @property
    def figures_every(self) -> float | None:
        """Seconds between readings of running steps' figures; None: not wanted."""
        ...

    def on_start(self, status: Status) -> None: ...

    def on_status(self, status: Status) -> None: ...

    def on_step(self, step: Step, event: Event, message: str) -> None: ...

    def on_figures(self, step: Step, figures: dict[str, float]) -> None: ...

    def on_stop(self, jobs: int) -> None:
        """A stop was asked for; so many Jobs are asked to save."""
        ...

    def on_finish(self, result: Result) -> None: ...


class Silent:
    """Watches nothing."""

    figures_every: float | None = None

    def on_start(self, status: Status) -> None:
        pass

    def on_status(self, status: Status) -> None:
        pass

    def on_step(self, step: Step, event: Event, message: str) -> None:
        pass

    def on_figures(self, step: Step, figures: dict[str, float]) -> None:
        pass

    def on_stop(self, jobs: int) -> None:
        pass

    def on_finish(self, result: Result) -> None:
        pass
