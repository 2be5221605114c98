"""What a person sees while a study runs: a live view on a terminal, plain lines elsewhere.

Both write to stderr, since stdout is data.
"""

import sys
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from clt_operator.api.step import Step
from clt_operator.drivers.observer import Event, Result
from clt_operator.drivers.pace import BEGINNINGS, Pace
from clt_operator.drivers.wording import (
    closing,
    duration_text,
    figures_text,
    name_of,
    summary,
)
from clt_operator.reconcile import Status

if TYPE_CHECKING:
    from rich.console import RenderableType

SHOWN_RUNNING = 12  # lines of the live view
FIGURES_EVERY = 1.0  # seconds


def stopping(jobs: int) -> str:
    return f"stopping: {jobs} running processes are asked to save (once more: killed)"


class Lines:
    """One line an event, without colours: for logs and pipes."""

    figures_every: float | None = None

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr

    def __enter__(self) -> "Lines":
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        pass

    def on_start(self, status: Status) -> None:
        self._say(f"{status.total()} steps: {summary(status)}")

    def on_status(self, status: Status) -> None:
        pass

    def on_step(self, step: Step, event: Event, message: str) -> None:
        self._say(" ".join(part for part in (event, name_of(step), message) if part))

    def on_figures(self, step: Step, figures: dict[str, float]) -> None:
        pass

    def on_stop(self, jobs: int) -> None:
        self._say(stopping(jobs))

    def on_finish(self, result: Result) -> None:
        self._say(closing(result))

    def _say(self, text: str) -> None:
        print(f"{datetime.now().astimezone():%H:%M:%S} {text}", file=self._stream, flush=True)


class Live:
    """Steps done by kind, what runs now with its figures, and the time left."""

    figures_every: float | None = FIGURES_EVERY

    def __init__(self, slots: int, stream: TextIO | None = None) -> None:
        from rich.console import Console  # noqa: PLC0415 - only on a terminal
        from rich.live import Live as RichLive  # noqa: PLC0415

        self.pace = Pace(slots)
        self._status: Status | None = None
        console = Console(file=stream or sys.stderr)
        self._live = RichLive(
            console=console, get_renderable=self.render, refresh_per_second=4, transient=True
        )

    def __enter__(self) -> "Live":
        self._live.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def on_start(self, status: Status) -> None:
        self._status = status

    def on_status(self, status: Status) -> None:
        self._status = status

    def on_step(self, step: Step, event: Event, message: str) -> None:
        self.pace.note(step, event)
        if event not in BEGINNINGS and event != "committed":
            line = " ".join(part for part in (event, name_of(step), message) if part)
            self._live.console.print(line, markup=False, highlight=False)

    def on_figures(self, step: Step, figures: dict[str, float]) -> None:
        if running := self.pace.running.get(step.key):
            running.figures = figures

    def on_stop(self, jobs: int) -> None:
        self._live.console.print(stopping(jobs), markup=False, highlight=False)

    def on_finish(self, result: Result) -> None:
        self._live.console.print(closing(result), markup=False, highlight=False)

    def render(self) -> "RenderableType":
        from rich.console import Group  # noqa: PLC0415
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        if self._status is None:
            return Text("reading the store …")
        kinds = Table.grid(padding=(0, 2))
        for kind, row in self._status.counts.items():
            total = sum(row.values()) - row.get("unneeded", 0)
            failed = row.get("failed", 0)
            note = f"{failed} failed" if failed else ""
            kinds.add_row(Text(kind), Text(f"{row.get('done', 0)}/{total}"), Text(note))
        now = Table.grid(padding=(0, 2))
        running = list(self.pace.running.values())
        for item in running[:SHOWN_RUNNING]:
            figures = Text(figures_text(item.figures))
            left = Text(duration_text(self.pace.left_of(item)))
            now.add_row(Text(name_of(item.step)), figures, left)
        if len(running) > SHOWN_RUNNING:
            now.add_row(Text(f"and {len(running) - SHOWN_RUNNING} more"))
        rest = duration_text(self.pace.left(self._status)) or "not known yet"
        return Group(kinds, now, Text(f"time left: {rest}"))


def observer_for(slots: int, stream: TextIO | None = None) -> "Live | Lines":
    """The view that suits where stderr goes. A context manager, open while the driver runs."""
    stream = stream or sys.stderr
    return Live(slots, stream) if stream.isatty() else Lines(stream)
