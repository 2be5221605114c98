"""Experiments in the store: the root that keeps artifacts from collection, and its files."""

from typing import Any

from clt_operator.store import layout
from clt_operator.store.attempts import Attempts
from clt_operator.store.protocol import ObjectNotFound
from clt_operator.store.records import encode, read_object


class Experiments(Attempts):
    def write_root(self, namespace: str, name: str, root: dict[str, Any]) -> None:
        """Writes or replaces what the experiment keeps from collection (lock and keys)."""
        self.store.put(layout.experiment_file(namespace, name, layout.ROOT_FILE), encode(root))

    def root(self, namespace: str, name: str) -> dict[str, Any] | None:
        return read_object(self.store, layout.experiment_file(namespace, name, layout.ROOT_FILE))

    def roots(self) -> list[tuple[str, str]]:
        """(namespace, name) of every experiment that has a root, in order."""
        found = []
        for info in self.store.list(layout.EXPERIMENTS):
            _, *place, filename = info.name.split("/")
            if len(place) == 2 and filename == layout.ROOT_FILE:
                found.append((place[0], place[1]))
        return sorted(found)

    def drop_root(self, namespace: str, name: str) -> None:
        """Forgets the root only: artifacts stay until they are collected."""
        self.store.delete([layout.experiment_file(namespace, name, layout.ROOT_FILE)])

    def write_experiment_file(self, namespace: str, name: str, filename: str, data: bytes) -> None:
        self.store.put(layout.experiment_file(namespace, name, filename), data)

    def experiment_file(self, namespace: str, name: str, filename: str) -> bytes | None:
        try:
            return self.store.get(layout.experiment_file(namespace, name, filename))
        except ObjectNotFound:
            return None
