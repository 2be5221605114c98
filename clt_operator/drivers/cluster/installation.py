"""What the platform team set up, as a driver uses it: profiles that may change, open stores."""

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from clt_operator.api.errors import CltError, SpecError
from clt_operator.api.profiles import Profiles, Settings
from clt_operator.api.redaction import Redact, redactor
from clt_operator.cluster.api import Api
from clt_operator.cluster.profiles import (
    CONFIG_MAP,
    NoProfiles,
    find_profiles,
    profiles_of,
    store_environment,
)
from clt_operator.drivers.cluster.listings import Listings
from clt_operator.store import open_store
from clt_operator.store.artifacts import Artifacts

log = logging.getLogger(__name__)

LOOK = 15.0  # seconds between looks at the profiles

Place = tuple[str, tuple[tuple[str, str], ...]]  # address and variables of a store


@dataclass(frozen=True)
class Installation:
    """Profiles, and the uid of the ConfigMap that they came from: by it the roots in a store are
    told from those of other clusters that use the same store."""

    profiles: Profiles
    uid: str = ""


class Stores(Protocol):
    def open(self, settings: Settings) -> Artifacts:
        """The store of an experiment; the same object while nothing about it changed."""
        ...

    def environment(self, settings: Settings) -> Mapping[str, str] | None: ...


class OpenStores:
    """Stores by profile. Credentials are read again each time: a mounted Secret changes."""

    def __init__(self, credentials: Path | None) -> None:
        self._credentials = credentials
        self._open: dict[Place, Artifacts] = {}
        self._lock = threading.Lock()
        self._redacting: tuple[tuple[Place, ...], Redact] | None = None

    def environment(self, settings: Settings) -> dict[str, str]:
        return store_environment(settings.store_name, settings.store, self._credentials)

    def open(self, settings: Settings) -> Artifacts:
        environment = self.environment(settings)
        place = (settings.store.uri, tuple(sorted(environment.items())))
        with self._lock:
            if place not in self._open:
                self._open[place] = Listings(
                    open_store(settings.store.uri, environment, hasty=True)
                )
            return self._open[place]

    def redact(self, text: str) -> str:
        """Text without the credentials of this process and of every store that was opened."""
        with self._lock:
            places = tuple(self._open)
        if self._redacting is None or self._redacting[0] != places:
            known: dict[str, str] = dict(os.environ)
            for at, (_, environment) in enumerate(places):
                known |= {f"{name}_{at}": value for name, value in environment}
            self._redacting = (places, redactor(known))
        return self._redacting[1](text)


class WatchedProfiles:
    """The installation, looked at again now and then. Profiles that cannot be read replace none
    that could: the problem is told, and what was good goes on."""

    def __init__(
        self,
        api: Api,
        namespace: str,
        name: str = CONFIG_MAP,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api.limited(patience=0, read_seconds=10)  # callers come again
        self._namespace, self._name, self._clock = namespace, name, clock
        self._lock = threading.Lock()
        self._version = ""
        self._found: Installation | None = None
        self._looked = -LOOK
        self.problem = ""

    def __call__(self) -> Installation:
        """Raises NoProfiles or ClusterError where there never were good ones."""
        with self._lock:
            if self._found is None or self._clock() - self._looked >= LOOK:
                self._look()
            assert self._found is not None  # noqa: S101 - else _look raised
            return self._found

    def _look(self) -> None:
        try:
            found = find_profiles(self._api, self._namespace, self._name)
            version = found["metadata"]["resourceVersion"]
            if self._found is None or version != self._version:
                self._found = Installation(profiles_of(found), found["metadata"]["uid"])
                self._version = version
            self.problem = ""
        except CltError as error:
            if self._found is None and isinstance(error, SpecError):
                raise NoProfiles(f"the profiles cannot be used: {error}") from error
            if self._found is None:
                raise
            if str(error) != self.problem:
                log.error("the profiles stay as they were: %s", error)
            self.problem = str(error)
        self._looked = self._clock()
