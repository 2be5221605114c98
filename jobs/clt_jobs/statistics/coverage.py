"""How often the intervals of a design cover the truth, by simulation.

A report prints this for its own numbers of items and seeds: an interval is worth what its
coverage is, and "items only" intervals cover too little as soon as trainings differ.
"""

from dataclasses import dataclass

import numpy as np

from clt_jobs.statistics.arrays import Floats
from clt_jobs.statistics.panel import Panel, language_grid
from clt_jobs.statistics.variance import estimate

# Nominally identical runs of the reference study differ by an RMS of .026 accuracy per language:
# one training's standard deviation is that over √2.
REFERENCE_SEED_SD = 0.026 / 2**0.5


@dataclass(frozen=True)
class Design:
    """A contrast of the last arm with the first, on binary items."""

    items: int = 100
    seeds: int = 3
    arms: int = 2
    share: float = 0.5  # mean score of every arm: no true difference
    item_sd: float = 0.25  # of an item's probability, the same in all arms
    item_arm_sd: float = 0.05  # of an item's probability, per arm
    seed_sd: float = REFERENCE_SEED_SD  # of a training's mean


@dataclass(frozen=True)
class Coverage:
    share: float
    simulations: int
    mean_width: float


def simulate(
    design: Design, simulations: int = 1000, confidence: float = 0.95, seed: int = 0
) -> Coverage:
    """Share of simulated studies whose interval covers the true difference, which is zero."""
    generator = np.random.default_rng(seed)
    weights = np.zeros(design.arms)
    weights[0], weights[-1] = -1.0, 1.0
    hits, widths = 0, []
    clusters = np.arange(design.items)[None, :]
    fixed = np.zeros(design.arms, dtype=np.bool_)
    for _ in range(simulations):
        panel = Panel(_scores(design, generator), clusters, shared=True, fixed=fixed)
        found = estimate(language_grid(panel, [0]), weights, confidence)
        hits += bool(found.lo <= 0 <= found.hi) or bool(np.isnan(found.lo))
        widths.append(found.hi - found.lo)
    return Coverage(hits / simulations, simulations, float(np.nanmean(widths)))


def _scores(design: Design, generator: np.random.Generator) -> Floats:
    """Binary scores (A, S, 1, U) with item, item × arm, and training effects."""
    shape = (design.arms, design.seeds, 1, design.items)
    chance = (
        design.share
        + design.item_sd * generator.uniform(-(3**0.5), 3**0.5, (1, 1, 1, design.items))
        + design.item_arm_sd * generator.standard_normal((design.arms, 1, 1, design.items))
        + design.seed_sd * generator.standard_normal((design.arms, design.seeds, 1, 1))
    )
    return np.asarray(generator.random(shape) < chance, dtype=np.float64)
