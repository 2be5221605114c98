"""What a metric's numbers allow: ratios, bounds, comparison between languages, digits."""

from dataclasses import dataclass

from clt_operator.api.metrics import METRICS


@dataclass(frozen=True)
class Scale:
    """``ratio``: zero means nothing there, so that M(l) / M(pivot) is a number that says
    something. ``across``: levels of different languages are comparable."""

    unit: str
    ratio: bool
    across: bool
    lo: float
    hi: float
    digits: int
    rating: bool = False


INFINITE = float("inf")
_BOUNDS = {"share": (0.0, 1.0), "F1": (0.0, 1.0), "chrF++": (0.0, 1.0), "rating": (1.0, 5.0)}
_DIGITS = {"share": 3, "F1": 3, "chrF++": 3, "rating": 2}


def scale_of(metric: str) -> Scale:
    """The scale of a metric; of one that is not known here, nothing is assumed."""
    info = METRICS.get(metric)
    if info is None:
        return Scale("", ratio=False, across=False, lo=-INFINITE, hi=INFINITE, digits=3)
    lo, hi = _BOUNDS.get(info.unit, (-INFINITE, INFINITE))
    return Scale(
        unit=info.unit,
        ratio=info.ratio_scale,
        across=info.unit == "share",
        lo=lo,
        hi=hi,
        digits=_DIGITS.get(info.unit, 2),
        rating=info.unit == "rating",
    )
