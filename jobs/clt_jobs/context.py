"""What a step sees while it runs: its inputs, a place for its outputs, and the way to stop.

A step is a function ``(params, context) -> None``. It reads inputs through ``context``, writes
files below ``context.output(name)`` and returns; the runner checks, uploads and commits. It
touches no store, no network (``fetch`` and ``judge`` apart) and no clock that could reach
its outputs.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from clt_jobs.telemetry.protocol import Telemetry


class StopRequested(Exception):
    """Raised by a step after it saved its state on request; the runner exits 75."""


class Context(Protocol):
    @property
    def key(self) -> str: ...

    @property
    def hints(self) -> Mapping[str, Any]:
        """What may be used without the result depending on it."""
        ...

    @property
    def input_names(self) -> tuple[str, ...]: ...

    def has_input(self, name: str) -> bool: ...

    def input(self, name: str) -> Path:
        """The directory that holds the files of the output read under this name, verified
        against the manifest (sizes and SHA-256). Read only: it may be the store itself."""
        ...

    def output(self, name: str) -> Path:
        """An empty directory, made on first use; what lies in it becomes the output."""
        ...

    @property
    def telemetry(self) -> Telemetry:
        """Where to say what happens; nothing comes back that a result could depend on."""
        ...

    def summarise(self, **figures: Any) -> None:
        """Adds small JSON figures to the manifest's summary (counts of rows, dropped, …)."""
        ...

    def progress(self, **figures: float) -> None:
        """Says how far the step is (``done``, ``total``, ``loss``, …). Cheap, rate limited."""
        ...

    @property
    def stop_requested(self) -> bool:
        """True after SIGTERM or SIGINT: save and raise StopRequested soon."""
        ...

    def save_resume(self, name: str, directory: Path) -> None:
        """Keeps a directory below this attempt's own prefix; the latest name wins, older ones
        are removed. Complete or absent: a torn save is never seen."""
        ...

    def load_resume(self) -> Path | None:
        """The latest complete state that any earlier attempt of this step saved, or None."""
        ...
