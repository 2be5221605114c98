"""Near-duplicates of texts: Jaccard similarity of word trigrams, linked transitively.

Numbers are masked, so that problems which differ only in their numbers are duplicates. The
search is exact: two sets of Jaccard similarity t or more share one of their rarest
``n - ceil(t n) + 1`` elements (prefix filtering; Chaudhuri et al. 2006, Bayardo et al. 2007),
so only those are indexed, and only pairs that meet there are compared.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from fractions import Fraction
from math import ceil

_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d]+")
_CHARACTER = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d]")
_SIZE = 3  # words of a shingle


def shingles(text: str, *, spaceless: bool = False) -> frozenset[str]:
    """Trigrams of the lower-cased words, numbers masked; a shorter text is one shingle.

    In scripts without spaces characters stand for words.
    """
    pattern = _CHARACTER if spaceless else _WORD
    words = ["#" if word[0].isdigit() else word for word in pattern.findall(text.lower())]
    if len(words) <= _SIZE:
        return frozenset([" ".join(words)])
    return frozenset(" ".join(words[i : i + _SIZE]) for i in range(len(words) - _SIZE + 1))


class Components:
    """Union-find over 0 … n-1."""

    def __init__(self, count: int) -> None:
        self._parent = list(range(count))

    def find(self, index: int) -> int:
        while self._parent[index] != index:
            self._parent[index] = self._parent[self._parent[index]]
            index = self._parent[index]
        return index

    def join(self, one: int, other: int) -> None:
        """The smaller root stays, so that a component is named by its first member."""
        low, high = sorted((self.find(one), self.find(other)))
        self._parent[high] = low


def link_similar(sets: Sequence[frozenset[str]], threshold: float, components: Components) -> None:
    """Joins every two indices whose sets have Jaccard similarity ``threshold`` or more.

    ``threshold`` is in (0, 1]. Cost grows with the pairs that share a rare shingle.
    """
    exact = Fraction(str(threshold))
    frequency = Counter(shingle for found in sets for shingle in found)
    index: defaultdict[str, list[int]] = defaultdict(list)
    for here, found in enumerate(sets):
        rarest = sorted(found, key=lambda shingle: (frequency[shingle], shingle))
        prefix = rarest[: len(found) - ceil(exact * len(found)) + 1]
        seen: set[int] = set()
        for shingle in prefix:
            for there in index[shingle]:
                if there not in seen:
                    seen.add(there)
                    if components.find(here) != components.find(there) and _similar(
                        found, sets[there], exact
                    ):
                        components.join(here, there)
            index[shingle].append(here)


def _similar(one: frozenset[str], other: frozenset[str], threshold: Fraction) -> bool:
    if min(len(one), len(other)) < threshold * max(len(one), len(other)):
        return False
    shared = len(one & other)
    return shared >= threshold * (len(one) + len(other) - shared)
