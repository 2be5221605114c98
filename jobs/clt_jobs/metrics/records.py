"""What metrics read and what they return.

Records hold what a model said and what was wanted; a score is a number per item, from which
every statistic can be computed again. Nothing here knows about files.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Needs = Literal["generations", "likelihood"]


@dataclass(frozen=True, slots=True)
class Generation:
    """One answer of a model. ``answer`` is the gold, ``response`` the reference text."""

    item: str
    output: str
    answer: str = ""
    response: str = ""
    finish_reason: str = "stop"  # stop | length | filtered
    cluster: str = ""
    prompt: str = ""

    @property
    def truncated(self) -> bool:
        return self.finish_reason == "length"


@dataclass(frozen=True, slots=True)
class Likelihood:
    """Log-probabilities in nats of the gold answer and of its distractors, after the prompt."""

    item: str
    gold_logprob: float
    option_logprobs: tuple[float, ...]
    gold: str = ""
    options: tuple[str, ...] = ()
    truncated: bool = False  # the prompt was cut from the left
    cluster: str = ""


@dataclass(frozen=True, slots=True)
class ItemScore:
    """``failed``: nothing could be extracted; ``flags``: ``name=value`` joined by ``;``."""

    item: str
    score: float
    failed: bool = False
    truncated: bool = False
    flags: str = ""
    cluster: str = ""


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores in the order of the records, how they were made, and what the metric adds."""

    items: tuple[ItemScore, ...]
    signature: str
    extras: Mapping[str, Any] = field(default_factory=dict)
