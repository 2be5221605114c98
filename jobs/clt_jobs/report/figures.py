"""Figures of one curve as inline SVG, equal bytes for equal numbers.

Text stays text and takes the page's font and colour; ink and grid are CSS variables, so one
figure serves light and dark. Roles are told apart by colour, line style and marker. Points of
the sweep are equally spaced: 0 is a point like the others.
"""

import re
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from clt_jobs.report.curves import PIVOT, SEEN, UNSEEN, Curve
from clt_jobs.report.results import CurveRows
from clt_jobs.report.rows import ContrastRow, IntervalRow, PointRow
from clt_jobs.statistics.variance import OWN

INK, GRID, FAINT = "#010203", "#040506", "#070809"  # stand for CSS variables in the SVG
_VARIABLES = {INK: "var(--ink)", GRID: "var(--grid)", FAINT: "var(--faint)"}
_COLOURS = {PIVOT: FAINT, SEEN: "#2f6fde", UNSEEN: "#d9730d", "nonpivot": "#0f8f83"}
_LINES: dict[str, Any] = {PIVOT: (0, (1, 1.2)), SEEN: "-", UNSEEN: (0, (5, 2)), "nonpivot": "-"}
_MARKERS = {PIVOT: "D", SEEN: "o", UNSEEN: "s", "nonpivot": "o"}
_RC: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.size": 9.0,
    "axes.edgecolor": GRID,
    "axes.labelcolor": INK,
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titley": 1.0,  # fixed: looking for a free place costs a third of the drawing
    "axes.titlecolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": GRID,
    "ytick.color": GRID,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "xtick.major.size": 3.0,
    "ytick.major.size": 0.0,
    "legend.frameon": False,
    "legend.fontsize": 8.0,
}
PER_ROW = 4


def language_figure(curve: Curve, rows: CurveRows, label: str) -> str:
    """Small multiples: score against k, one panel per language, with intervals and bands."""
    codes = curve.languages
    lines = -(-len(codes) // PER_ROW)
    with _style(label):
        figure = Figure(figsize=(12.4, 0.55 + 2.0 * lines))
        height = 0.55 + 2.0 * lines
        axes = figure.subplots(
            lines, PER_ROW, sharex=True, sharey=curve.scale.across, squeeze=False
        ).ravel()
        figure.subplots_adjust(
            left=0.045, right=0.995, top=1 - 0.26 / height, bottom=0.5 / height,
            wspace=0.12 if curve.scale.across else 0.2, hspace=0.3,
        )  # fmt: skip
        for axis, code in zip(axes, codes, strict=False):
            _language(axis, curve, rows, code)
        for axis in axes[len(codes) :]:
            axis.set_axis_off()
        if curve.scale.across:
            axes[0].set_ylim(*_limits(rows.points))
        for axis in axes[max(0, len(codes) - PER_ROW) : len(codes)]:
            _k_axis(axis, curve)
        return _svg(figure, label)


def summary_figure(curve: Curve, rows: CurveRows, label: str, *, small: bool = False) -> str:
    """Seen and unseen with their gap, one against the other, and what is relative to the pivot."""
    ratio = curve.scale.ratio and not small
    panels = 2 if small else 4 if ratio else 3
    width, height = 12.4 * (panels / 4), 2.75
    with _style(label):
        figure = Figure(figsize=(width, height))
        axes = figure.subplots(1, panels, squeeze=False)[0]
        figure.subplots_adjust(left=0.18 / panels, right=0.995, top=0.89, bottom=0.18, wspace=0.2)
        _averages(axes[0], curve, rows)
        if small:
            _numerator(axes[1], curve, rows)
        else:
            _against(axes[1], rows)
            _numerator(axes[2], curve, rows)
        if ratio:
            _relative(axes[3], curve, rows)
        return _svg(figure, label)


def effect_figure(rows: Sequence[ContrastRow], roles: dict[str, str], label: str) -> str:
    """One contrast, group by group and language by language: estimate and both intervals."""
    shown = [(row, row.value) for row in rows if row.value is not None]
    height = 0.68 + 0.2 * len(shown)
    with _style(label):
        figure = Figure(figsize=(6.1, height))
        axis = figure.subplots()
        figure.subplots_adjust(left=0.13, right=0.985, top=1 - 0.1 / height, bottom=0.48 / height)
        for place, (row, value) in enumerate(reversed(shown)):
            colour = _COLOURS.get(roles.get(row.group, row.group), INK)
            thin, thick = (row.simultaneous_lo, row.simultaneous_hi), (row.lo, row.hi)
            for (lo, hi), line in ((thin, 1.0), (thick, 3.0)):
                if lo is not None and hi is not None:
                    axis.plot([lo, hi], [place, place], color=colour, lw=line)
            axis.plot(value, place, "o", color=colour, ms=4.5)
        axis.axvline(0, color=INK, lw=0.9)
        margin = shown[0][0].margin if shown else 0.0
        if margin:
            axis.axvspan(-margin, margin, color=FAINT, alpha=0.13, lw=0)
        axis.set_yticks(range(len(shown)), [row.group for row, _ in reversed(shown)])
        axis.set_ylim(-0.7, len(shown) - 0.3)
        axis.set_xlabel(f"difference to {shown[0][0].reference}" if shown else "")
        axis.grid(axis="y", visible=False)
        return _svg(figure, label)


def _limits(points: Sequence[PointRow]) -> tuple[float, float]:
    """Limits of a shared axis: all intervals, and the bands but for those of a single point's
    own seeds, which would flatten everything else (they are cut at the edge)."""
    values = [v for p in points for v in (p.value, p.lo, p.hi) if v is not None and p.label != OWN]
    values += [
        v for p in points for v in (p.band_lo, p.band_hi) if v is not None and p.label != OWN
    ]
    low, high = min(values, default=0.0), max(values, default=1.0)
    pad = 0.05 * ((high - low) or 1.0)
    return low - pad, high + pad


def _language(axis: Axes, curve: Curve, rows: CurveRows, code: str) -> None:
    role = curve.roles[code]
    main = [p for p in rows.points if p.language == code and p.control == ""]
    band = [(x, p.band_lo, p.band_hi) for x, p in enumerate(main) if p.band_lo is not None]
    axis.fill_between(
        [x for x, _, _ in band],
        [lo for _, lo, _ in band if lo is not None],
        [hi for _, _, hi in band if hi is not None],
        color=_COLOURS[role],
        alpha=0.16,
        lw=0,
    )
    _line(axis, list(enumerate(main)), role, errors=True)
    for control in curve.controls:
        found = [p for p in rows.points if p.language == code and p.control == control]
        placed = [(curve.ks.index(p.k), p) for p in found if p.k in curve.ks]
        _plot(axis, placed, color=INK, ls="", marker="x", ms=4.0, alpha=0.75)
    before = rows.point("untrained", 0, code) if curve.untrained is not None else None
    if before is not None and before.value is not None:
        axis.axhline(before.value, color=INK, lw=1.0, ls=(0, (1, 3)))
    absent = [x for x, p in enumerate(main) if p.value is None]
    for x in absent:
        axis.annotate("missing", (x, 0.03), xycoords=("data", "axes fraction"), rotation=90,
                      ha="center", va="bottom", fontsize=7)  # fmt: skip
    axis.set_title(f"{code}  ·  {role}", pad=3, color=INK if role == PIVOT else _COLOURS[role])
    axis.margins(x=0.06)


def _line(axis: Axes, rows: Sequence[tuple[int, Any]], role: str, *, errors: bool = False) -> None:
    """A role's line over the points that have a value, broken where one is missing."""
    style = {"color": _COLOURS[role], "ls": _LINES[role], "marker": _MARKERS[role]}
    _plot(axis, rows, ms=3.6, lw=1.6, label=role, **style)
    if errors:
        bars = [(x, r.lo, r.hi) for x, r in rows if r.lo is not None and r.hi is not None]
        if bars:
            xs, los, his = zip(*bars, strict=True)
            axis.vlines(xs, los, his, color=style["color"], lw=1.1)


def _plot(axis: Axes, rows: Sequence[tuple[int, IntervalRow]], **style: Any) -> None:
    values = [float("nan") if row.value is None else row.value for _, row in rows]
    axis.plot([x for x, _ in rows], values, **style)


def _k_axis(axis: Axes, curve: Curve) -> None:
    names = [_short(k) for k in curve.ks]
    step = -(-len(names) // 9)  # at most nine labels
    kept = [i for i in range(len(names)) if i % step == 0 or i == len(names) - 1]
    if len(kept) > 1 and kept[-1] - kept[-2] < step:
        kept.pop(-2)
    axis.set_xticks(kept, [names[i] for i in kept])
    axis.tick_params(labelbottom=True)
    axis.set_xlabel("k per language")


def _short(k: int) -> str:
    return (
        f"{k // 1000}k" if k >= 1000 and k % 1000 == 0 else f"{k / 1000:g}k" if k > 1000 else str(k)
    )


def _averages(axis: Axes, curve: Curve, rows: CurveRows) -> None:
    seen, unseen = (rows.series(name) for name in (SEEN, UNSEEN))
    both = [
        (x, s.value, u.value)
        for x, (s, u) in enumerate(zip(seen, unseen, strict=False))
        if s.value is not None and u.value is not None
    ]
    axis.fill_between(
        [x for x, _, _ in both],
        [s for _, s, _ in both],
        [u for _, _, u in both],
        color=FAINT,
        alpha=0.15,
        lw=0,
    )
    for role, series in ((SEEN, seen), (UNSEEN, unseen)):
        if series:
            _line(axis, list(enumerate(series)), role, errors=True)
    _names(axis, {SEEN: (seen, SEEN), UNSEEN: (unseen, UNSEEN)})
    axis.set_title("Seen and unseen; shaded: the gap", pad=4)
    axis.margins(y=0.12)
    _k_axis(axis, curve)


def _against(axis: Axes, rows: CurveRows) -> None:
    pairs = [
        (s.value, u.value, s.k)
        for s, u in zip(rows.series(SEEN), rows.series(UNSEEN), strict=False)
        if s.value is not None and u.value is not None
    ]
    if pairs:
        xs, ys = [x for x, _, _ in pairs], [y for _, y, _ in pairs]
        low, high = min(xs + ys), max(xs + ys)
        axis.plot([low, high], [low, high], color=INK, lw=0.8, ls=(0, (1, 3)))
        axis.plot(xs, ys, color=FAINT, lw=1.0)
        axis.plot(xs, ys, "o", color=_COLOURS["nonpivot"], ms=4.5)
        for x, y, k in (pairs[0], pairs[-1]) if len(pairs) > 1 else pairs:
            left = x > (low + high) / 2  # so that no label leaves the panel
            axis.annotate(f"k={_short(k or 0)}", (x, y), ha="right" if left else "left",
                          xytext=(-2, -15) if left else (5, -11),
                          textcoords="offset points", fontsize=8)  # fmt: skip
    axis.set_title("Unseen against seen; dotted: equal", pad=4)
    axis.set_xlabel("seen")
    axis.margins(0.12)


def _numerator(axis: Axes, curve: Curve, rows: CurveRows) -> None:
    lines = {role: (rows.series(role), role) for role in (PIVOT, "nonpivot")}
    for role, (series, _) in lines.items():
        if series:
            _line(axis, list(enumerate(series)), role, errors=True)
    _names(axis, lines)
    axis.set_title("Pivot, and mean of the others", pad=4)
    axis.margins(y=0.16)
    _k_axis(axis, curve)


def _relative(axis: Axes, curve: Curve, rows: CurveRows) -> None:
    lines = {
        "nonpivot": (rows.series("rel"), "rel"),
        PIVOT: (rows.series("rel_fixed"), "rel_fixed"),
    }
    for role, (series, text) in lines.items():
        _line(axis, list(enumerate(series)), role, errors=text == "rel")
    _names(axis, lines)
    axis.set_title("Relative to the pivot", pad=4)
    axis.margins(y=0.16)
    _k_axis(axis, curve)


def _names(axis: Axes, lines: Mapping[str, tuple[Sequence[IntervalRow], str]]) -> None:
    """Names lines at their last value, in their colour, which needs no legend: the upper one
    above its end, the lower one below. ``lines``: role → (series, name)."""
    ends = []
    for role, (series, text) in lines.items():
        found = [(x, row.value) for x, row in enumerate(series) if row.value is not None]
        if found:
            ends.append((found[-1][1], found[-1][0], role, text))
    for rank, (y, x, role, text) in enumerate(sorted(ends, reverse=True)):
        axis.annotate(text, (x, y), xytext=(-4, 7 if rank == 0 else -22), ha="right",
                      textcoords="offset points", fontsize=8, color=_COLOURS[role])  # fmt: skip


class _style:  # noqa: N801 (a context, used like a function)
    """The figure style, with ids that depend on the figure's label alone."""

    def __init__(self, label: str) -> None:
        self._context = rc_context({**_RC, "svg.hashsalt": label})

    def __enter__(self) -> None:
        self._context.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._context.__exit__(*error)


def _svg(figure: Figure, label: str) -> str:
    """The figure as an inline element: no prolog, metadata, fixed size or unused ids."""
    buffer = StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    text = re.sub(r'(<svg[^>]*?) (?:width|height)="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) (?:width|height)="[^"]*"', r"\1", text, count=1)
    text = re.sub(r"font: [^;\"]*?([\d.]+px)[^;\"]*", r"font-size: \1", text)
    text = re.sub(r" font-family: [^;\"]*;", "", text)
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, variable)
    text = re.sub(r"\s*\n\s*", "\n", text)
    return text.replace("<svg ", f'<svg role="img" aria-label="{_escaped(label)}" ', 1)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
