"""The words that an interval allows.

Equivalence is two one-sided tests by the interval: it must lie inside (−δ, δ). The displayed
interval (95 %) is used rather than the 90 % one that would suffice, so that a reader can check
the word against the numbers. An interval that covers 0 and leaves ±δ says "not determined":
absence of evidence is never written as sameness.
"""

import math

INCREASE = "increase"
DECREASE = "decrease"
UNDETERMINED = "not determined"


def equivalent(lo: float, hi: float, margin: float) -> bool:
    """True where the interval lies inside the margin on both sides (TOST)."""
    return margin > 0 and -margin < lo and hi < margin


def verdict(lo: float | None, hi: float | None, margin: float = 0.0) -> str:
    """increase | decrease | equivalent within δ | not determined, or the first two with it."""
    if lo is None or hi is None or math.isnan(lo) or math.isnan(hi):
        return UNDETERMINED
    direction = INCREASE if lo > 0 else DECREASE if hi < 0 else ""
    within = f"equivalent within {margin:g}" if equivalent(lo, hi, margin) else ""
    return ", ".join(part for part in (direction, within) if part) or UNDETERMINED
