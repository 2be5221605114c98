"""A context for running one step in a test: directories in, directories out, state in memory."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from clt_jobs.telemetry.protocol import SILENT, Telemetry


class FakeContext:
    """Satisfies ``clt_jobs.context.Context``; everything it keeps lies below ``root``.

    ``stop_after`` asks the step to stop once it has reported that much progress (``done``);
    ``resume`` is where saved states go, so that a second context can go on from them.
    """

    def __init__(
        self,
        root: Path,
        inputs: Mapping[str, Path] | None = None,
        *,
        hints: Mapping[str, Any] | None = None,
        key: str = "0" * 64,
        stop_after: float | None = None,
        resume: Path | None = None,
        telemetry: Telemetry | None = None,
    ) -> None:
        self.root = root
        self.key = key
        self.hints: Mapping[str, Any] = dict(hints or {})
        self.figures: dict[str, Any] = {}
        self.telemetry = telemetry or SILENT
        self.reported: list[dict[str, float]] = []
        self.saved: list[str] = []
        self.on_progress: Callable[[dict[str, float]], None] | None = None
        self._inputs = dict(inputs or {})
        self._outputs: dict[str, Path] = {}
        self._stop_after = stop_after
        self._resume = resume or root / "resume"
        self._stop = False

    @property
    def input_names(self) -> tuple[str, ...]:
        return tuple(self._inputs)

    def has_input(self, name: str) -> bool:
        return name in self._inputs

    def input(self, name: str) -> Path:
        return self._inputs[name]

    def output(self, name: str) -> Path:
        if name not in self._outputs:
            directory = self.root / "outputs" / name
            directory.mkdir(parents=True)
            self._outputs[name] = directory
        return self._outputs[name]

    @property
    def outputs(self) -> dict[str, Path]:
        """The outputs that the step made, by name."""
        return dict(self._outputs)

    def summarise(self, **figures: Any) -> None:
        self.figures.update(figures)

    def progress(self, **figures: float) -> None:
        self.reported.append(figures)
        if self._stop_after is not None and figures.get("done", 0) >= self._stop_after:
            self._stop = True
        if self.on_progress is not None:
            self.on_progress(figures)

    @property
    def stop_requested(self) -> bool:
        return self._stop

    def stop(self) -> None:
        self._stop = True

    def save_resume(self, name: str, directory: Path) -> None:
        self._resume.mkdir(parents=True, exist_ok=True)
        kept = self._resume / name
        if kept.exists():
            shutil.rmtree(kept)
        shutil.copytree(directory, kept)
        for old in self._resume.iterdir():
            if old.name != name:
                shutil.rmtree(old)
        self.saved.append(name)

    def load_resume(self) -> Path | None:
        if not self._resume.is_dir():
            return None
        return max(self._resume.iterdir(), default=None)
