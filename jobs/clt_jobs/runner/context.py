"""The runner's Context: a step's view of its inputs and outputs, over the store.

Inputs are read through manifests and verified; outputs and copies lie in this process's
scratch folder. Inputs are kept for the other steps of the same Job, which share them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clt_jobs.context import StopRequested
from clt_jobs.runner.heartbeat import Heartbeat
from clt_jobs.runner.stop import Stop
from clt_jobs.telemetry.protocol import SILENT, Telemetry
from clt_operator.api.errors import InputError, StoreError, TransientError
from clt_operator.api.step import Claim, StepDocument
from clt_operator.api.telemetry import STEP_PROGRESS, STEP_RESUMES
from clt_operator.store.artifacts import Artifacts
from clt_operator.store.cache import FileCache
from clt_operator.store.protocol import ObjectNotFound
from clt_operator.store.trees import WrongBytes


@dataclass
class Inputs:
    """Verified copies of what was read, by artifact and output, for a whole Job."""

    artifacts: Artifacts
    directory: Path
    cache: FileCache | None = None
    opened: dict[tuple[str, str], Path] = field(default_factory=dict)

    def open(self, key: str, output: str) -> Path:
        """Raises InputError where the artifact's files are missing or damaged, TransientError
        where it is none any more: invalidated or collected, and soon made again."""
        if (key, output) not in self.opened:
            try:
                target = self.directory / key / output
                found = self.artifacts.open_output(key, output, target, self.cache)
            except StoreError as error:
                cause = error.__cause__
                if cause is None or isinstance(cause, (ObjectNotFound, WrongBytes)):
                    if self.artifacts.manifest(key) is None:
                        raise TransientError(f"input {key} is not committed any more") from error
                    raise InputError(str(error)) from error
                raise  # the disk or the network is at fault, not the artifact
            self.opened[key, output] = found
        return self.opened[key, output]


@dataclass
class RunnerContext:
    """Implements clt_jobs.context.Context for one attempt."""

    document: StepDocument
    hints: Mapping[str, Any]
    claim: Claim
    artifacts: Artifacts
    inputs: Inputs
    folder: Path
    stop: Stop
    heartbeat: Heartbeat
    superseded: Callable[[], bool]
    outputs: dict[str, Path] = field(default_factory=dict)
    summary: dict[str, Any] = field(default_factory=dict)
    resumed_from: str = ""
    tell_resume: Callable[[str], None] | None = None  # to the other ranks, where there are any
    telemetry: Telemetry = SILENT  # of rank 0 alone

    @property
    def key(self) -> str:
        return self.document.key

    @property
    def input_names(self) -> tuple[str, ...]:
        return tuple(item.name for item in self.document.inputs)

    def has_input(self, name: str) -> bool:
        return name in self.input_names

    def input(self, name: str) -> Path:
        for item in self.document.inputs:
            if item.name == name:
                return self.inputs.open(item.key, item.output)
        known = ", ".join(self.input_names) or "none"
        raise KeyError(f"step {self.document.kind} has no input {name!r}; it has: {known}")

    def output(self, name: str) -> Path:
        if name not in self.outputs:
            directory = self.folder / "outputs" / name
            directory.mkdir(parents=True)
            self.outputs[name] = directory
        return self.outputs[name]

    def summarise(self, **figures: Any) -> None:
        self.summary.update(figures)

    def progress(self, **figures: float) -> None:
        self.heartbeat.update(figures)
        if total := figures.get("total"):
            self.telemetry.set(STEP_PROGRESS, figures.get("done", 0) / total)

    @property
    def stop_requested(self) -> bool:
        return self.stop.requested

    def save_resume(self, name: str, directory: Path) -> None:
        if self.superseded():
            raise StopRequested(f"a higher attempt of {self.key} was claimed")
        self.artifacts.save_resume(self.claim, name, directory)

    def load_resume(self) -> Path | None:
        found = self.artifacts.load_resume(self.key, self.claim.attempt, self.folder / "resume")
        self.resumed_from = found.name if found else ""
        if found:
            self.telemetry.add(STEP_RESUMES, 1)
        if self.tell_resume:
            self.tell_resume(self.resumed_from)
        return found
