"""Copies of the objects of one resource, kept fresh, with indexes.

Reads cost no request. What a cache shows may be some milliseconds old; ``silence`` says for how
long the server has said nothing.
"""

import threading
from collections.abc import Callable, Iterable

from kubernetes.informer import SharedInformer

from clt_operator.cluster.api import Api
from clt_operator.cluster.feed import Feed, Object, Trim
from clt_operator.cluster.resources import Resource
from clt_operator.cluster.trim import trim_any

STOP_SECONDS = 2.0  # for which ``stop`` waits for a request that hangs

OnChange = Callable[[str, Object | None, Object | None], None]
Keys = Callable[[Object], Iterable[str]]


class Cache:
    """One resource in one namespace, or in all where none is named.

    ``on_change(event, old, new)`` is called with ADDED, MODIFIED or DELETED on the cache's own
    thread, after the cache has changed; it must only enqueue. For DELETED ``old`` is the last
    state that the server told. Where after a gap another object has the name of one that went,
    that is DELETED, then ADDED.
    """

    def __init__(
        self,
        api: Api,
        resource: Resource,
        namespace: str = "",
        *,
        labels: str = "",
        trim: Trim = trim_any,
        on_change: OnChange | None = None,
    ) -> None:
        self._feed = Feed(api, resource, namespace, labels=labels, trim=trim)
        self._on_change = on_change
        self._lock = threading.Lock()
        self._objects: dict[tuple[str, str], Object] = {}
        self._indexes: dict[str, _Index] = {}
        self._informer = SharedInformer(self._feed.call)
        self._feed.kept = self._informer.cache.list
        for event, handler in (
            ("ADDED", self._put),
            ("MODIFIED", self._put),
            ("DELETED", self._remove),
        ):
            self._informer.add_event_handler(event, handler)

    def index(self, name: str, keys: Keys) -> None:
        """Lets ``by`` find objects by what ``keys`` makes of them. Before ``start``."""
        self._indexes[name] = _Index(keys)

    def start(self) -> None:
        self._informer.start()

    def stop(self) -> None:
        """Ends the watch; a request that hangs is left to its time limit."""
        self._feed.stop()
        stopping = threading.Thread(target=self._informer.stop, daemon=True)
        stopping.start()
        stopping.join(STOP_SECONDS)

    def synced(self) -> bool:
        """Whether the first list is in."""
        return self._feed.listed.is_set()

    def wait_synced(self, seconds: float) -> bool:
        return self._feed.listed.wait(seconds)

    def silence(self) -> float:
        """Seconds since the server last sent a list, an event or a bookmark, or accepted a watch.
        Up to 65 where all is well."""
        return self._feed.silence()

    @property
    def problem(self) -> str:
        """Why the last try to list or watch failed; empty where the server answered since."""
        return self._feed.problem

    def get(self, namespace: str, name: str) -> Object | None:
        return self._objects.get((namespace, name))

    def by(self, index: str, key: str) -> list[Object]:
        with self._lock:
            return list(self._indexes[index].found.get(key, {}).values())

    def list(self) -> list[Object]:
        with self._lock:
            return list(self._objects.values())

    def __len__(self) -> int:
        return len(self._objects)

    def _put(self, item: Object) -> None:
        place = _place(item)
        with self._lock:
            old = self._objects.get(place)
            self._objects[place] = item
            for index in self._indexes.values():
                index.replace(place, old, item)
        if old is None:
            self._tell("ADDED", None, item)
        elif old["metadata"]["uid"] != item["metadata"]["uid"]:
            self._tell("DELETED", old, None)
            self._tell("ADDED", None, item)
        elif old["metadata"]["resourceVersion"] != item["metadata"]["resourceVersion"]:
            self._tell("MODIFIED", old, item)

    def _remove(self, item: Object) -> None:
        place = _place(item)
        with self._lock:
            old = self._objects.pop(place, None)
            for index in self._indexes.values():
                index.replace(place, old, None)
        if old is not None:
            self._tell("DELETED", item, None)

    def _tell(self, event: str, old: Object | None, new: Object | None) -> None:
        if self._on_change is not None:
            self._on_change(event, old, new)


class _Index:
    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self.found: dict[str, dict[tuple[str, str], Object]] = {}

    def replace(self, place: tuple[str, str], old: Object | None, new: Object | None) -> None:
        fresh = set(self._keys(new)) if new is not None else set()
        stale = set(self._keys(old)) - fresh if old is not None else set()
        for key in stale:
            objects = self.found[key]
            del objects[place]
            if not objects:
                del self.found[key]
        for key in fresh:
            self.found.setdefault(key, {})[place] = new  # type: ignore[assignment]


def _place(item: Object) -> tuple[str, str]:
    metadata = item["metadata"]
    return metadata.get("namespace", ""), metadata["name"]
