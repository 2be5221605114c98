"""The rows of the report's tables. Field order is column order; NaN is written as null."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PlaceRow:
    """What every table starts with: which curve, and which point of it."""

    sweep: str
    model: str
    mix: str
    trained: str
    coordinates: str
    task: str
    metric: str
    primary_metric: bool
    control: str
    k: int | None  # none: a statement about the whole curve


@dataclass(frozen=True)
class CellRow(PlaceRow):
    """One training on one language: what was collected."""

    seed: int
    language: str
    role: str  # pivot | seen | unseen
    training: str
    n: int
    mean: float | None
    corpus_score: float | None
    failed: int
    truncated: int
    told: int  # answers of which the language could be told
    wrong_language: int  # those of them that are in another
    missing: str


@dataclass(frozen=True)
class IntervalRow(PlaceRow):
    """A number with its uncertainty. ``note`` says why there is none."""

    value: float | None
    se: float | None
    df: float | None
    lo: float | None
    hi: float | None
    n_items: int
    n_clusters: int
    n_seeds: int
    label: str  # what the interval covers
    note: str


@dataclass(frozen=True)
class PointRow(IntervalRow):
    """A language's score at a point, averaged over seeds; band: simultaneous over the curve."""

    language: str
    role: str
    band_lo: float | None
    band_hi: float | None
    failed: int
    truncated: int
    told: int  # answers of which the language could be told
    wrong_language: int  # those of them that are in another
    seeds_missing: int


@dataclass(frozen=True)
class QuantityRow(IntervalRow):
    """A quantity of the study at a point, or of a whole curve (k is null)."""

    quantity: str
    n: int | None  # points, where the quantity is about points
    unit: str


@dataclass(frozen=True)
class ContrastRow(IntervalRow):
    """A difference of two points, paired by item and by seed."""

    contrast: str
    declared: bool  # in the spec, with this group, on the primary metric
    primary: bool
    family: str  # p and limits are adjusted within it
    reference: str
    group: str
    languages: str
    p: float | None
    p_adjusted: float | None
    simultaneous_lo: float | None
    simultaneous_hi: float | None
    method: str
    margin: float
    verdict: str


@dataclass(frozen=True)
class DroppedRow:
    """Something that is not in the numbers, or counts as wrong in them."""

    what: str
    task: str
    language: str
    metric: str
    where: str
    reason: str
    count: int
    of: int | None
