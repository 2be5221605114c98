"""The learning rate as a function of the step: no state to save, none to restore."""

import math
from typing import Literal

Schedule = Literal["constant", "linear", "cosine"]


def rate_factor(step: int, total: int, warmup: int, schedule: Schedule) -> float:
    """The factor on the learning rate at ``step`` (from 0) of ``total``.

    Warm-up rises linearly and reaches 1 with step ``warmup``; its first step is 1 / (warmup + 1).
    ``linear`` and ``cosine`` then fall towards 0, which step ``total`` would have.
    """
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if schedule == "constant":
        return 1.0
    done = (step - warmup) / max(total - warmup, 1)
    if schedule == "linear":
        return max(1.0 - done, 0.0)
    return 0.5 * (1.0 + math.cos(math.pi * min(done, 1.0)))
