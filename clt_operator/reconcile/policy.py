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


@dataclass(frozen=True)
class Policy:
    """``attempts`` counts failures that are charged to a step; the last one ends it.

    ``lost`` attempts (holder killed, node gone) are free up to that many. ``forgiven`` maps a
    key to the number of the last attempt that no longer counts (``cltctl retry``). Kinds that
    ``max_batch`` leaves out run one step a Job. Steps share a Job where their kind and their
    hints of the names in ``shared_hints`` are the same.
    """

    attempts: int = 3
    lost: int = 20
    max_batch: Mapping[str, int] = field(default_factory=lambda: MAX_BATCH)
    parallelism: int = 500  # Jobs outstanding at once
    forgiven: Mapping[str, int] = field(default_factory=dict)
    shared_hints: tuple[str, ...] = ("batch", "threads", "pool", "image")
