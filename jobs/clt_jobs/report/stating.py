"""From estimates to the columns that state them."""

import math
from typing import Any

from clt_jobs.report.curves import UNTRAINED, Arm, Curve
from clt_jobs.statistics.variance import Estimate

UNBOUNDED = (-math.inf, math.inf)


def finite(value: float, bounds: tuple[float, float] = UNBOUNDED) -> float | None:
    """None for NaN; a limit outside the metric's range is put on its edge."""
    if math.isnan(value):
        return None
    return min(max(float(value), bounds[0]), bounds[1])


def place_fields(curve: Curve, arm: Arm | None) -> dict[str, Any]:
    """The columns of PlaceRow. Without an arm: about the whole curve."""
    return {
        **vars(curve.place),
        "primary_metric": curve.primary,
        "control": arm.control if arm else "",
        "k": arm.k if arm else None,
    }


def interval_fields(
    found: Estimate, bounds: tuple[float, float] = UNBOUNDED, note: str = ""
) -> dict[str, Any]:
    """The columns of IntervalRow for an estimate."""
    return {
        "value": found.estimate,
        "se": finite(found.se),
        "df": finite(found.df),
        "lo": finite(found.lo, bounds),
        "hi": finite(found.hi, bounds),
        "n_items": found.n_items,
        "n_clusters": found.n_clusters,
        "n_seeds": found.n_seeds,
        "label": found.label,
        "note": note,
    }


def value_fields(value: float, lo: float | None = None, hi: float | None = None) -> dict[str, Any]:
    """A descriptive number, or one whose interval comes from elsewhere."""
    return {**refused_fields(""), "value": finite(value), "lo": lo, "hi": hi}


def refused_fields(note: str) -> dict[str, Any]:
    """No number, and why."""
    return {
        "value": None,
        "se": None,
        "df": None,
        "lo": None,
        "hi": None,
        "n_items": 0,
        "n_clusters": 0,
        "n_seeds": 0,
        "label": "",
        "note": note,
    }


def arm_name(arm: Arm) -> str:
    """How a point is called in tables and figures."""
    if arm.control == UNTRAINED:
        return UNTRAINED
    return f"{arm.control}, k={arm.k}" if arm.control else f"k={arm.k}"
