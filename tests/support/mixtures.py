"""Tables and mixtures of known size."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from clt_jobs.data.mixture import ComponentRows
from clt_operator.api.kinds.train import Component, Mixture

LANGUAGES = ("en", "es", "fr", "ja")


def make_table(rows: int, *, seed: int = 0, start: int = 0) -> ComponentRows:
    """Rows of distinct items; each has 3 to 20 tokens, at least one of them supervised."""
    random = np.random.default_rng(seed)
    tokens = random.integers(3, 20, rows)
    return ComponentRows(
        [f"item-{index + start}" for index in range(rows)], tokens, random.integers(1, tokens)
    )


def make_mixture(quotas: Mapping[str, int], *, validation: int = 0, **fields: Any) -> Mixture:
    """One component per language, named by it, of task MR."""
    return Mixture(
        components=[
            Component(input=language, task="MR", language=language, quota=q, validation=validation)
            for language, q in quotas.items()
        ],
        **fields,
    )


def items_of(table: ComponentRows, rows: Any) -> list[str]:
    return [table.items[row] for row in rows]


def make_tables(rows: int = 300) -> dict[str, ComponentRows]:
    """Parallel tables: the same item ids in every language, other lengths."""
    return {language: make_table(rows, seed=n) for n, language in enumerate(LANGUAGES)}
