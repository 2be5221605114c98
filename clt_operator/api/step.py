"""Steps and what the store keeps of them: document, claim, manifest, outcome.

A step is a function of its parameters and of the outputs that it reads. Hints are what a
step may use without its result depending on them (file locations, thread counts, sizes of
micro-batches): they travel in the document and stay out of the key.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from pydantic import Field

from clt_operator.api.base import Params, Record
from clt_operator.api.figures import MAX_FIGURES
from clt_operator.api.keys import canonical_params, step_key


@dataclass(frozen=True, slots=True)
class Input:
    """A named reading of one output of an artifact."""

    name: str
    key: str
    output: str


@dataclass(frozen=True)
class Work:
    """Parameters with their canonical JSON, made once and shared by all steps that have them.

    ``locked_version`` is the kind version that the lock pinned: it is hashed, and a step runs
    only on a release that implements it.
    """

    params: Params
    locked_version: int | None = None

    @property
    def version(self) -> int:
        return self.params.version if self.locked_version is None else self.locked_version

    @cached_property
    def json(self) -> str:
        return canonical_params(self.params)


@dataclass(frozen=True, slots=True)
class Step:
    """A node of the graph. ``labels`` are for people and metrics; the key ignores them."""

    work: Work
    inputs: tuple[Input, ...]
    key: str
    labels: Mapping[str, str] = field(default_factory=dict, compare=False)
    hints: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def kind(self) -> str:
        return self.work.params.kind

    @property
    def params(self) -> Params:
        return self.work.params


def make_step(
    work: Work,
    inputs: tuple[Input, ...],
    labels: Mapping[str, str] | None = None,
    hints: Mapping[str, Any] | None = None,
) -> Step:
    """A step with its key computed."""
    key = step_key(
        work.params.kind,
        work.version,
        work.json,
        [(i.name, i.key, i.output) for i in inputs],
    )
    return Step(work, inputs, key, labels or {}, hints or {})


class InputRef(Record):
    name: str
    key: str
    output: str


class StepDocument(Record):
    """What a Job reads to know its work; stored, immutable, before the Job is made."""

    key: str
    kind: str
    version: int
    params: dict[str, Any]
    inputs: list[InputRef]
    hints: dict[str, Any] = {}
    labels: dict[str, str] = {}

    @staticmethod
    def of(step: Step) -> "StepDocument":
        return StepDocument(
            key=step.key,
            kind=step.kind,
            version=step.work.version,
            params=step.params.model_dump(mode="json", exclude_defaults=True),
            inputs=[InputRef(name=i.name, key=i.key, output=i.output) for i in step.inputs],
            hints=dict(step.hints),
            labels=dict(step.labels),
        )


class Claim(Record):
    """The holder of an attempt. On a cluster ``holder`` is the pod UID; locally a process."""

    key: str
    attempt: int
    holder: str  # local:<host>:<pid>:<process start time in clock ticks>, or pod:<uid>
    claimed_at: str  # RFC 3339, UTC


class FileEntry(Record):
    path: str  # below the attempt's files/, starts with the output's name
    size: int
    sha256: str


class Manifest(Record):
    """Written last: what the artifact consists of, and which attempt made it."""

    key: str
    kind: str
    attempt: int
    outputs: dict[str, list[FileEntry]]
    summary: dict[str, Any] = {}  # small figures about the result (rows, dropped, steps)
    provenance: dict[str, Any] = {}  # versions, image, host class, times, cost


OutcomeKind = Literal[
    "committed",  # manifest written
    "lost-race",  # another attempt committed first, or a higher claim was seen
    "saved",  # stopped on request, state kept: free
    "input-at-fault",  # never retried
    "transient",  # counted
    "failed",  # counted: a fault of the step itself
    "lost",  # holder gone without a word (killed, node gone): free up to a cap
    "out-of-memory",  # counted
]


class Outcome(Record):
    """How an attempt ended: write-once, by the runner or, when none ran, by the driver."""

    key: str
    attempt: int
    outcome: OutcomeKind
    message: str = ""
    exit_code: int | None = None
    recorded_by: Literal["runner", "driver"] = "runner"
    started_at: str = ""
    ended_at: str = ""
    figures: dict[str, float] = Field({}, max_length=MAX_FIGURES)  # see ``api.figures``


@dataclass(frozen=True)
class Graph:
    """Steps by key in topological order, and the runs that asked for them."""

    steps: Mapping[str, Step]
    targets: tuple[str, ...]  # keys that the experiment wants: the report(s)

    def __iter__(self) -> Iterator[Step]:
        return iter(self.steps.values())

    def __len__(self) -> int:
        return len(self.steps)
