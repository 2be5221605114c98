"""What a driver may choose: how often to retry and how much to run at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field

MAX_BATCH: Mapping[str, int] = {
    "fetch": 32,
    "derive": 64,
    "prepare": 64,
    "train": 1,
    "generate": 32,
    "likelihood": 32,
    "score": 256,
    "collect": 1,
    "report": 1,
}


FILL: Mapping[str, int] = {
    "fetch": 4,
    "derive": 16,
    "prepare": 16,
    "generate": 4,
    "likelihood": 4,
    "score": 64,
}
"""Where a Job is a pod: seconds to start it, against a step's own fractions of a second; a
model is loaded once for the cells of one Job."""


@dataclass(frozen=True)
class Policy:
    """``attempts`` counts failures that are charged to a step; the last one ends it.

    ``lost`` attempts (holder killed, node gone) are free up to that many. ``forgiven`` maps a
    key to the number of the last attempt that no longer counts (``cltctl retry``). Kinds that
    ``max_batch`` leaves out run one step a Job. Steps share a Job where their kind and their
    hints of the names in ``shared_hints`` are the same. ``fill`` says from how many steps on
    a Job of a kind is worth its start: ready steps are not spread thinner than that.
    """

    attempts: int = 3
    lost: int = 20
    max_batch: Mapping[str, int] = field(default_factory=lambda: MAX_BATCH)
    fill: Mapping[str, int] = field(default_factory=dict)
    parallelism: int = 500  # Jobs outstanding at once
    forgiven: Mapping[str, int] = field(default_factory=dict)
    shared_hints: tuple[str, ...] = ("batch", "threads", "pool", "image")
