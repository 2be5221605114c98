"""Resume: a directory from which a training goes on as if it had never stopped.

It holds weights and optimiser state as safetensors, counters and validations as JSON, the log
lines so far and the best weights so far. A fingerprint ties it to the parameters, the inputs and
the order of samples; a state of anything else is refused. No generator state is kept, because
randomness is a function of the step.
"""

import json
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from clt_jobs.train.selection import Candidate
from clt_jobs.train.state import Tensors
from clt_operator.api.errors import InputError

COUNTERS = "state.json"
WEIGHTS = "weights.safetensors"
SELECTED = "selected.safetensors"
METRICS = "metrics.jsonl"


@dataclass
class Counters:
    """Where a training stands: the only mutable numbers that it has."""

    step: int = 0  # optimiser steps done, skipped ones included
    samples: int = 0
    tokens: int = 0
    supervised_tokens: int = 0
    rows_without_supervision: int = 0
    skipped_steps: int = 0  # gradients were not finite
    skipped_in_a_row: int = 0


@dataclass
class State:
    """All that changes while training, as it is saved."""

    fingerprint: str
    counters: Counters
    candidates: list[Candidate]
    weights: Tensors
    optimisers: dict[str, Tensors]  # by parameter group
    selected: Path | None = None  # best weights so far
    metrics: list[str] = field(default_factory=list)


def save_state(directory: Path, state: State) -> int:
    """Writes a state into an empty directory; its size in bytes."""
    document = {
        "fingerprint": state.fingerprint,
        "counters": asdict(state.counters),
        "candidates": [{"step": c.step, "losses": dict(c.losses)} for c in state.candidates],
        "groups": sorted(state.optimisers),
    }
    (directory / COUNTERS).write_text(json.dumps(document), encoding="utf-8")
    save_file(state.weights, directory / WEIGHTS)
    for group, tensors in state.optimisers.items():
        save_file(tensors, _optimiser_file(directory, group))
    if state.selected is not None:
        shutil.copyfile(state.selected, directory / SELECTED)
    (directory / METRICS).write_text("".join(state.metrics), encoding="utf-8")
    return sum(file.stat().st_size for file in directory.iterdir())


def read_state(directory: Path, fingerprint: str) -> State:
    """The state in a directory. Raises InputError where it belongs to another training."""
    document: dict[str, Any] = json.loads((directory / COUNTERS).read_text(encoding="utf-8"))
    if document["fingerprint"] != fingerprint:
        raise InputError(
            f"the saved state is of another training: its fingerprint is "
            f"{document['fingerprint'][:12]}, this one's is {fingerprint[:12]} (parameters, "
            f"inputs or the order of samples differ). Remove the attempt's resume state to "
            f"start from step 0"
        )
    selected = directory / SELECTED
    lines = (directory / METRICS).read_text(encoding="utf-8").splitlines(keepends=True)
    return State(
        fingerprint=fingerprint,
        counters=Counters(**document["counters"]),
        candidates=[Candidate(c["step"], c["losses"]) for c in document["candidates"]],
        weights=load_file(directory / WEIGHTS),
        optimisers={g: load_file(_optimiser_file(directory, g)) for g in document["groups"]},
        selected=selected if selected.is_file() else None,
        metrics=lines,
    )


def _optimiser_file(directory: Path, group: str) -> Path:
    return directory / f"optimiser-{group}.safetensors"
