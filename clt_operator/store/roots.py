"""Roots: what experiments keep from collection. Whatever a root names is kept.

Read again cheaply: one listing says which roots changed since the last look.
"""

import re
import time
from collections.abc import Iterable, Iterator
from typing import Any

from clt_operator.api.errors import StoreError
from clt_operator.store import layout
from clt_operator.store.artifacts import Artifacts
from clt_operator.store.protocol import ObjectInfo

SETTLED = 10.0  # seconds after which its time tells one writing of a root from the next

_KEY = re.compile(r"[0-9a-f]{64}")
_INPUT = re.compile(rb"inputs/([0-9a-f]{64})/")


class Roots:
    """The keys that the experiments of a store want."""

    def __init__(self, artifacts: Artifacts) -> None:
        self._artifacts = artifacts
        self._seen: dict[tuple[str, str], ObjectInfo] = {}
        self._keys: dict[tuple[str, str], frozenset[str]] = {}
        self.refresh()

    @property
    def experiments(self) -> set[tuple[str, str]]:
        """(namespace, name) of every experiment that has a root."""
        return set(self._keys)

    def wants(self, key: str) -> bool:
        return any(key in keys for keys in self._keys.values())

    def keys_of(self, namespace: str, name: str) -> frozenset[str]:
        """What one experiment wants; nothing where it has no root."""
        return self._keys.get((namespace, name), frozenset())

    def refresh(self) -> None:
        """Looks again. Raises StoreError where a root cannot be read or names no keys."""
        there = {}
        for info in self._artifacts.store.list(layout.EXPERIMENTS):
            _, *place, filename = info.name.split("/")
            if len(place) == 2 and filename == layout.ROOT_FILE:
                there[place[0], place[1]] = info
        for dropped in self._keys.keys() - there.keys():
            del self._keys[dropped]
        for (namespace, name), info in there.items():
            fresh = time.time() - info.modified < SETTLED
            if fresh or self._seen.get((namespace, name)) != info:
                self._keys[namespace, name] = self._of(namespace, name)
        self._seen = there

    def _of(self, namespace: str, name: str) -> frozenset[str]:
        root = self._artifacts.root(namespace, name)
        if root is None:  # dropped since the listing
            return frozenset()
        if not isinstance(root.get("keys"), list):
            raise StoreError(
                f"the root of {namespace}/{name} in {self._artifacts.store.uri} does not say what "
                "it keeps: apply the experiment again, or delete it"
            )
        return frozenset(_named(root))


def _named(value: Any) -> Iterator[str]:
    """Every key anywhere in a root."""
    if isinstance(value, str):
        if _KEY.fullmatch(value):
            yield value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _named(name)
            yield from _named(part)
    elif isinstance(value, list):
        for part in value:
            yield from _named(part)


def pushed_inputs(artifacts: Artifacts, experiments: Iterable[tuple[str, str]]) -> set[str]:
    """The digests of pushed inputs that the locks and specs of these experiments name."""
    found: set[str] = set()
    for namespace, name in experiments:
        for filename in (layout.LOCK_FILE, layout.SPEC_FILE):  # may name pushed inputs
            data = artifacts.experiment_file(namespace, name, filename) or b""
            found.update(digest.decode() for digest in _INPUT.findall(data))
    return found
