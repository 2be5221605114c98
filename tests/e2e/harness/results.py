"""What a study left in a store, so that two stores can be compared."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from clt_operator.api.step import Manifest
from clt_operator.store import layout, open_store
from clt_operator.store.artifacts import Artifacts
from clt_operator.store.protocol import ObjectStore
from clt_operator.store.roots import Roots

UNCHARGED = ("committed", "lost", "saved", "lost-race")
# What tells of a run and not of its result: dates, costs, durations.
INCIDENTAL = ("provenance/", "log/")


class Results:
    """The artifacts of one experiment."""

    def __init__(
        self, uri: str, namespace: str, name: str, environment: Mapping[str, str] | None = None
    ) -> None:
        self.artifacts = Artifacts(open_store(uri, environment or {}))
        self._namespace, self._name = namespace, name

    def keys(self) -> frozenset[str]:
        """What the experiment wants."""
        return Roots(self.artifacts).keys_of(self._namespace, self._name)

    def missing(self) -> set[str]:
        """What of it is not committed."""
        return set(self.keys()) - self.artifacts.committed()

    def digests(self) -> dict[str, str]:
        """The checksum of every file of every artifact, by kind, key and path."""
        found = {}
        for key in sorted(self.keys()):
            manifest = self.artifacts.manifest(key)
            if manifest is None:
                continue
            for entries in manifest.outputs.values():
                for entry in entries:
                    if not entry.path.startswith(INCIDENTAL):
                        found[f"{manifest.kind}/{key[:12]}/{entry.path}"] = entry.sha256
        return found

    def manifests(self, kind: str) -> list[Manifest]:
        """Those of a kind, those that others are made from first."""
        found = [m for m in map(self.artifacts.manifest, sorted(self.keys())) if m]
        made = [m for m in found if m.kind == kind]
        return sorted(made, key=lambda manifest: len(self._inputs(manifest.key)))

    def _inputs(self, key: str) -> set[str]:
        """All that a step was made from."""
        direct = {reference.key for reference in self.artifacts.document(key).inputs}
        return direct.union(*(self._inputs(one) for one in direct))

    def outcomes(self) -> Counter[str]:
        """How often attempts ended in which way."""
        counted: Counter[str] = Counter()
        for key in self.keys():
            counted.update(
                state.outcome.outcome if state.outcome else "unknown"
                for state in self.artifacts.attempts(key)
            )
        return counted

    def endings(self) -> dict[str, str]:
        """How the attempt of each pod ended, by the pod's uid."""
        return {
            state.claim.holder.removeprefix("pod:"): state.outcome.outcome
            for key in self.keys()
            for state in self.artifacts.attempts(key)
            if state.outcome
        }

    def charged(self) -> Counter[str]:
        """Those that count against a step."""
        counted = self.outcomes()
        return Counter({n: count for n, count in counted.items() if n not in UNCHARGED})


def copy_before(source: ObjectStore, target: ObjectStore, key: str) -> None:
    """A store as it was before a step was done: its document and its inputs are there."""
    for info in source.list(""):
        if key not in info.name or info.name == layout.document(key):
            target.create(info.name, source.get(info.name))


def tables(directory: Path) -> dict[str, bytes]:
    """Every file of a report's tables."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


def assert_same(one: Mapping[str, object], other: Mapping[str, object]) -> None:
    """Names what differs, instead of showing both."""
    assert one, "nothing to compare"
    different = sorted(n for n in one.keys() | other.keys() if one.get(n) != other.get(n))
    shown = ", ".join(different[:20])
    assert not different, f"{len(different)} of {len(one)} differ: {shown}"
