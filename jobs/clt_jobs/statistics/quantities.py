"""The quantities of a transfer study, as functions of mean scores.

``scores`` is M, shape (..., L): a metric averaged over items and seeds, languages last; curves
have shape (K, L), one row per sweep point in the order of k. A NaN is a missing language and is
refused wherever it would enter an average. Definitions: docs of the reference study, arXiv
2504.16677, and their corrections.
"""

from collections.abc import Sequence

import numpy as np

from clt_jobs.statistics.arrays import Floats
from clt_jobs.statistics.refusal import Refused

RATING_FLOOR = 1.0  # ratings run from 1 to 5: their zero is 1


def group_mean(scores: Floats, group: Sequence[int]) -> Floats:
    """Mean over some languages, shape (...). Refused where one is missing or none is given."""
    if len(group) == 0:
        raise Refused("the group has no language")
    chosen = np.asarray(scores, dtype=np.float64)[..., list(group)]
    if np.isnan(chosen).any():
        raise Refused("a language of the group is missing: its average would be another group's")
    return np.asarray(chosen.mean(axis=-1))


def others(count: int, pivot: int) -> list[int]:
    """Indices of the languages that are not the pivot."""
    return [index for index in range(count) if index != pivot]


def rel(scores: Floats, pivot: int) -> Floats:
    """rel(k): mean over the non-pivot languages of M(l,k) / M(pivot,k), shape (...).

    As published. It moves when the pivot moves: print numerator and denominator beside it.
    """
    values = np.asarray(scores, dtype=np.float64)
    return _ratio(group_mean(values, others(values.shape[-1], pivot)), values[..., pivot])


def rel_fixed(
    scores: Floats, pivot: int, *, baseline: Floats | None = None, rating: bool = False
) -> Floats:
    """mean M(l,k) / M(pivot,0), shape (...); with ``rating``, (M−1) / (M(pivot,0)−1).

    ``baseline`` is M at k=0, shape (L,); by default the first row of ``scores`` (K, L).
    """
    values = np.asarray(scores, dtype=np.float64)
    start = values[0] if baseline is None else np.asarray(baseline, dtype=np.float64)
    floor = RATING_FLOOR if rating else 0.0
    numerator = group_mean(values, others(values.shape[-1], pivot)) - floor
    return _ratio(numerator, np.asarray(start[..., pivot] - floor))


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    if np.isnan(denominator).any():
        raise Refused("the pivot is missing")
    if (denominator <= 0).any():
        raise Refused("the pivot's score is not above zero: a ratio to it has no meaning")
    return np.asarray(numerator / denominator)


def gain(relative: Floats) -> float:
    """max over all points (the baseline, first, included) of rel(k) − rel(0).

    Descriptive and biased upwards; print ``expected_gain_under_no_effect`` beside it and never
    test it.
    """
    values = np.asarray(relative, dtype=np.float64)
    return float((values - values[0]).max())


def gain_at(relative: Floats, index: int) -> float:
    """rel(k*) − rel(0) for a point that was fixed beforehand."""
    values = np.asarray(relative, dtype=np.float64)
    return float(values[index] - values[0])


def expected_gain_under_no_effect(noise: Floats) -> float:
    """E[max over k of noise(k) − noise(0)]: what ``gain`` shows where nothing happens.

    ``noise`` (B, K): joint draws of the sampling error of rel at every point.
    """
    values = np.asarray(noise, dtype=np.float64)
    return float((values - values[:, :1]).max(axis=1).mean())


def noise_from_errors(standard_errors: Floats, draws: int = 4000, seed: int = 0) -> Floats:
    """Independent normal noise (B, K) from standard errors per point (K,)."""
    errors = np.asarray(standard_errors, dtype=np.float64)
    generator = np.random.default_rng(seed)
    return np.asarray(generator.standard_normal((draws, errors.size)) * errors)


def peak(scores: Floats, pivot: int) -> tuple[float, int]:
    """max over k of the mean over the non-pivot languages, and where. Descriptive, like gain."""
    values = group_mean(scores, others(np.shape(scores)[-1], pivot))
    index = int(np.argmax(values))
    return float(values[index]), index


def gap(scores: Floats, seen: Sequence[int], unseen: Sequence[int]) -> Floats:
    """seen(k) − unseen(k), shape (...): exists before any training on the mix."""
    return np.asarray(group_mean(scores, seen) - group_mean(scores, unseen))


def gap_did(scores: Floats, seen: Sequence[int], unseen: Sequence[int]) -> Floats:
    """[seen(k)−seen(0)] − [unseen(k)−unseen(0)], shape (K,), for ``scores`` (K, L)."""
    values = gap(scores, seen, unseen)
    return np.asarray(values - values[0])


def transfer(single_source: Floats, baseline: Floats) -> Floats:
    """Δ[s,t] = M_s(t) − M_b(t), shape (S, T): single-source runs s on targets t."""
    return np.asarray(single_source, dtype=np.float64) - np.asarray(baseline, dtype=np.float64)


def relative_transfer(
    delta: Floats, baseline: Floats, baseline_error: Floats, chance: float = 0.0
) -> Floats:
    """Z = Δ / M_b(t), shape (S, T); NaN where M_b is within 2 standard errors of chance."""
    base = np.asarray(baseline, dtype=np.float64)
    near = np.abs(base - chance) <= 2 * np.asarray(baseline_error, dtype=np.float64)
    undefined = near | (base == 0)
    return np.where(undefined, np.nan, np.asarray(delta) / np.where(undefined, 1.0, base))


def donors(delta: Floats, sources: Sequence[int], pivot: int) -> Floats:
    """Per source, the mean of Δ over targets that are neither the source nor the pivot, (S,).

    ``sources[i]`` is the target index of source i.
    """
    targets = range(np.shape(delta)[1])
    chosen = [[t for t in targets if t not in (source, pivot)] for source in sources]
    return np.array([float(group_mean(delta[i], c)) for i, c in enumerate(chosen)])


def recipients(delta: Floats, sources: Sequence[int], pivot: int) -> Floats:
    """Per target, the mean of Δ over sources other than itself, (T,); NaN for the pivot and
    where the target is the only source."""
    result = np.full(np.shape(delta)[1], np.nan)
    for target in range(result.size):
        rows = [i for i, source in enumerate(sources) if source != target]
        if target != pivot and rows:
            result[target] = float(group_mean(np.asarray(delta)[:, target], rows))
    return result
