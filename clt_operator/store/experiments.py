"""Experiments in the store: the root that keeps artifacts from collection, and its files."""

from typing import TYPE_CHECKING, Any

from clt_operator.api.errors import StoreError
from clt_operator.store import layout
from clt_operator.store.attempts import Attempts
from clt_operator.store.protocol import ObjectNotFound
from clt_operator.store.records import encode, read_object

if TYPE_CHECKING:
    from clt_operator.api.lock import Lock


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

    def lock(self, namespace: str, name: str) -> "Lock | None":
        """The lock of an experiment, None where it has none yet. Raises StoreError where it is
        damaged."""
        from pydantic import ValidationError  # noqa: PLC0415 - runners read no lock

        from clt_operator.api.lock import Lock  # noqa: PLC0415

        data = self.experiment_file(namespace, name, layout.LOCK_FILE)
        try:
            return Lock.model_validate_json(data) if data is not None else None
        except ValidationError as error:
            detail = error.errors()[0]["msg"]
            raise StoreError(
                f"the lock of {name} in {self.store.uri} cannot be read: {detail} (a newer "
                "release wrote it, or it is damaged; cltctl upgrade SPEC makes a new one)"
            ) from None

    def write_lock(self, namespace: str, name: str, lock: "Lock") -> None:
        self.write_experiment_file(namespace, name, layout.LOCK_FILE, lock_text(lock))


def lock_text(lock: "Lock") -> bytes:
    """A lock as it is stored, for people to read, too."""
    return lock.model_dump_json(indent=1).encode()
