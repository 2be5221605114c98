"""Gauges that are worked out anew for a scrape, straight as Prometheus' text.

A scrape may have tens of thousands of samples, which are no objects of the client library before
they are text. What adds up between scrapes is its own.
"""

from collections.abc import Iterable, Sequence
from math import isfinite

from clt_operator.api.telemetry import Series

_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})
_ODD = {"inf": "+Inf", "-inf": "-Inf", "nan": "NaN"}


class Family:
    """One gauge of the list with its samples."""

    def __init__(self, series: Series) -> None:
        self._head = f"# HELP {series.name} {series.help}\n# TYPE {series.name} gauge\n"
        self._form = f"{series.name}{{" + ",".join(f'{name}="%s"' for name in series.labels)
        self._quotes = 2 * len(series.labels)
        self._lines: list[str] = []

    def add(self, labels: Sequence[str], value: float) -> None:
        """``labels`` are values, in the order of the series' labels."""
        text = self._form % tuple(labels)
        if text.count('"') != self._quotes or "\\" in text or "\n" in text:
            text = self._form % tuple(label.translate(_ESCAPES) for label in labels)
        number = repr(value) if isfinite(value) else _ODD[str(value)]
        self._lines.append(f"{text}}} {number}\n")

    def text(self) -> str:
        """Nothing where there is no sample."""
        return self._head + "".join(self._lines) if self._lines else ""


def text_of(families: Iterable[Family]) -> bytes:
    return "".join(family.text() for family in families).encode()
