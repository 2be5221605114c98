"""What a driver saw: the only things, beside the graph, that a decision may depend on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from clt_operator.api.step import OutcomeKind

Holder = Literal["alive", "gone", "unknown"]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a step. Without an outcome the claim is open and ``holder`` says who has it."""

    number: int
    outcome: OutcomeKind | None = None
    holder: Holder = "unknown"
    message: str = ""


@dataclass(frozen=True)
class Observed:
    """The state of the world at one moment.

    ``attempts`` may leave out keys that nobody tried and keys that are committed.
    ``in_flight`` are the Jobs that exist and have not ended, each with its keys; ``queued`` are
    the keys of those among them that wait: no pod of theirs runs. ``held`` are keys that the
    driver does not want launched yet (a pause after a fault that may pass).
    """

    committed: frozenset[str] = frozenset()
    attempts: Mapping[str, tuple[Attempt, ...]] = field(default_factory=dict)
    in_flight: tuple[tuple[str, ...], ...] = ()
    queued: frozenset[str] = frozenset()
    free_slots: int = 0
    held: frozenset[str] = frozenset()
