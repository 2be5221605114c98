"""Selectors and the few PromQL idioms that dashboards and alerts share.

A gauge of the operator may be there twice for a moment (a leader goes, another comes): ``latest``
takes one. A counter is born with its first event, and ``increase`` does not see a birth: ``grown``
does.
"""

from collections.abc import Sequence

from clt_operator.api.telemetry import Series


def select(series: Series, *matchers: str, part: str = "") -> str:
    """``name{matchers}``; ``part`` is ``bucket``, ``sum`` or ``count`` of a histogram."""
    name = f"{series.name}_{part}" if part else series.name
    if name not in series.exposed:
        raise ValueError(f"{series.name} exposes {', '.join(series.exposed)}, not {name}")
    kept = ", ".join(matcher for matcher in matchers if matcher)
    return f"{name}{{{kept}}}" if kept else name


def total(expression: str, by: Sequence[str] = ()) -> str:
    """The sum over all labels but these."""
    return f"sum by ({', '.join(by)}) ({expression})" if by else f"sum({expression})"


def latest(expression: str, by: Sequence[str]) -> str:
    """A gauge without the process that told it."""
    return f"max by ({', '.join(by)}) ({expression})"


def rate(selector: str, window: str = "$__rate_interval") -> str:
    """Per second."""
    return f"rate({selector}[{window}])"


def grown(selector: str, window: str) -> str:
    """What a counter gained in a window: all of it where it was born inside, even if its pod is
    gone by now."""
    born = f"(max_over_time({selector}[{window}]) unless {selector} offset {window})"
    return f"({born} or increase({selector}[{window}]))"


def quantile(
    share: float, histogram: Series, *matchers: str, by: Sequence[str] = (), window: str = ""
) -> str:
    """A quantile of a histogram's observations; ``window``: those of so long, where they are so
    rare that a rate would miss a bucket's first."""
    selector = select(histogram, *matchers, part="bucket")
    buckets = grown(selector, window) if window else rate(selector)
    return f"histogram_quantile({share:g}, {total(buckets, ('le', *by))})"


def age(expression: str) -> str:
    """Seconds since a Unix time."""
    return f"time() - {expression}"
