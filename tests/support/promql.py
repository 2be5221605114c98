"""What a PromQL expression names: series, the labels it asks of each, the labels it keeps.

No parser: it knows what our queries are made of, and fails a query that it cannot read whole.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

SELECTOR = re.compile(r"(?<![\w$])(clt_\w+)(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"(?:[^"\\]|\\.)*"')
AGGREGATION = re.compile(r"\b(?:sum|max|min|count|avg) by \(([^)]*)\)\s*\(")
CLAUSE = re.compile(r"\b(?:by|on|group_left) \(([^)]*)\)")
JOINED = re.compile(r'label_join\(.*?, "(\w+)", "[^"]*"((?:, "\w+")+)\)')


@dataclass(frozen=True)
class Used:
    """A series with labels that an expression takes for granted on it."""

    name: str
    labels: frozenset[str]


def matched(expression: str) -> Iterator[Used]:
    """Series with the labels of their matchers."""
    for found in SELECTOR.finditer(expression):
        inside = found[2] or ""
        rest = MATCHER.sub("", inside).replace(",", "").strip()
        assert not rest, f"cannot read {rest!r} of {found[0]}"
        yield Used(found[1], frozenset(MATCHER.findall(inside)))


def grouped(expression: str) -> Iterator[tuple[frozenset[str], frozenset[str]]]:
    """Of every aggregation: labels it keeps, and series inside; labels that ``label_join`` makes
    are replaced by those it joins."""
    made = {new: labels(old) for new, old in JOINED.findall(expression)}
    for found in AGGREGATION.finditer(expression):
        inside = expression[found.end() : _closing(expression, found.end())]
        kept: set[str] = set()
        for label in labels(found[1]):
            kept |= made.get(label, {label})
        yield frozenset(kept), frozenset(s[1] for s in SELECTOR.finditer(inside))


def kept(expression: str) -> frozenset[str]:
    """Every label that some clause names: what a legend may show."""
    return frozenset().union(*(labels(text) for text in CLAUSE.findall(expression)))


def labels(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text))


def _closing(text: str, start: int) -> int:
    depth = 1
    for place in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if not depth:
            return place
    raise AssertionError(f"a parenthesis is not closed: {text}")
