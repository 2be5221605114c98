"""Numbers and designs in words, the same way everywhere on the page."""

from collections.abc import Sequence

from clt_jobs.report.curves import Curve
from clt_jobs.report.results import Results

NONE = "–"


def number(value: float | None, digits: int = 3, *, sign: bool = False) -> str:
    """A number with a true minus, or a dash where there is none."""
    if value is None:
        return NONE
    text = f"{value:+.{digits}f}" if sign else f"{value:.{digits}f}"
    if float(text) == 0:  # no negative zero
        text = f"{0:.{digits}f}"
    return text.replace("-", "−")


def interval(lo: float | None, hi: float | None, digits: int = 3, *, sign: bool = False) -> str:
    if lo is None or hi is None:
        return NONE
    return f"[{number(lo, digits, sign=sign)}, {number(hi, digits, sign=sign)}]"


def p_value(p: float | None) -> str:
    if p is None:
        return NONE
    return "< .001" if p < 0.001 else f"{p:.3f}".lstrip("0") if p < 1 else "1"


def count(n: int, noun: str) -> str:
    """ "1 seed", "3 seeds"."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def listed(names: Sequence[str]) -> str:
    """ "a, b and c"."""
    shown = list(dict.fromkeys(names))
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def span(values: Sequence[int]) -> str:
    """Points of k: all of them where few, else the ends and how many."""
    found = sorted(set(values))
    if len(found) <= 10:
        return ", ".join(f"{value:,}" for value in found)
    return f"{found[0]:,} to {found[-1]:,} ({len(found)} points)"


def design(results: Results) -> list[str]:
    """What was asked, one sentence per sweep."""
    params = results.params
    sentences = []
    for sweep in dict.fromkeys(curve.place.sweep for curve in results.curves):
        curves = [curve for curve in results.curves if curve.place.sweep == sweep]
        seeds = {len({s for a, s in c.trainings if a.control == ""}) for c in curves}
        mixes = [f"{m} ({' '.join(params.mixes.get(m, []))})" for m in _each(curves, "mix")]
        controls = sorted({name for curve in curves for name in curve.controls})
        sentences.append(
            f"Sweep {sweep}: {listed(_each(curves, 'model'))}, trained on "
            f"{listed(_each(curves, 'trained'))} in {params.pivot} plus k samples in each "
            f"language of {listed(mixes)}, k = {span([k for c in curves for k in c.ks])}; "
            f"{_range(seeds, 'seed')} per point; evaluated on {listed(_each(curves, 'task'))} "
            f"in {count(len(params.evaluate), 'language')}, {_items(curves)} per language"
            + (f"; controls: {listed(controls)}" if controls else "")
            + ("; the untrained model beside" if any(c.untrained for c in curves) else "")
            + "."
        )
    return sentences


def _each(curves: Sequence[Curve], name: str) -> list[str]:
    return [getattr(curve.place, name) for curve in curves if getattr(curve.place, name)]


def _items(curves: Sequence[Curve]) -> str:
    return _range({int(n) for c in curves for n in c.panel.items if n}, "item")


def _range(values: set[int], noun: str) -> str:
    if not values:
        return f"no {noun}"
    low, high = min(values), max(values)
    return count(low, noun) if low == high else f"{low:,} to {high:,} {noun}s"
