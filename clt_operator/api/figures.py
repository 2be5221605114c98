"""What an attempt leaves of its counters: flat figures in its outcome, for when its pod is gone.

A name is a figure, or a figure and a part of it (``tokens.en``: tokens of a language). Figures
count one attempt, so that those of all attempts may be added up. They are bounded: parts beyond
the bound are added up as ``other``, and no sum is lost.
"""

from collections.abc import Mapping

MAX_FIGURES = 64
REST = "other"  # the part that stands for those beyond the bound

# With a part.
TOKENS = "tokens"  # by language; trained on
SUPERVISED_TOKENS = "supervised_tokens"  # by language; trained on
STORE_BYTES = "store_bytes"  # by direction: read, written
SECONDS = "seconds"  # of training, by part: data, forward_backward, optimiser, …

# Without.
STORE_REQUESTS = "store_requests"
STORE_RETRIES = "store_retries"
STORE_ERRORS = "store_errors"  # requests that failed for good
RESUMED = "resumed"  # 1 where the attempt went on from a saved state
NOT_FINITE = "not_finite"  # 1 where it ended because its loss was not finite
SKIPPED_STEPS = "skipped_steps"  # optimiser steps left out, as gradients were not finite
PADDING_TOKENS = "padding_tokens"
CHECKPOINTS = "checkpoints"  # resume states saved
CHECKPOINT_BYTES = "checkpoint_bytes"
CHECKPOINT_SECONDS = "checkpoint_seconds"
ITEMS = "items"  # answered or scored
ITEM_TOKENS = "item_tokens"  # generated
ITEMS_TRUNCATED = "items_truncated"

_MANY = (TOKENS, SUPERVISED_TOKENS)  # whose parts a spec may name in any number


def figure(name: str, part: str = "") -> str:
    """The name of a figure, or of a part of it."""
    return f"{name}.{part}" if part else name


def parts(figures: Mapping[str, float], name: str) -> dict[str, float]:
    """The parts of a figure, by part; none where the attempt did not count it."""
    start = f"{name}."
    return {key.removeprefix(start): n for key, n in figures.items() if key.startswith(start)}


def bounded(figures: Mapping[str, float]) -> dict[str, float]:
    """At most MAX_FIGURES figures: of those with many parts the largest, and the rest in one."""
    if len(figures) <= MAX_FIGURES:
        return dict(figures)
    many = {name: parts(figures, name) for name in _MANY}
    kept = {key: n for key, n in figures.items() if key.partition(".")[0] not in _MANY}
    room = (MAX_FIGURES - len(kept)) // len(_MANY)
    for name, by_part in many.items():
        ranked = sorted(by_part, key=lambda part: (-by_part[part], part))
        first, rest = ranked[: room - 1], ranked[room - 1 :]
        kept |= {figure(name, part): by_part[part] for part in first}
        if rest:
            kept[figure(name, REST)] = sum(by_part[part] for part in rest)
    return kept
