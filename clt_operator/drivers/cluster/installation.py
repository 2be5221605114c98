"""What the platform team set up, as a driver uses it: profiles that may change, open stores."""

import logging
import os
import threading
import time
import weakref
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
    hub_token,
    profiles_of,
    store_environment,
)
from clt_operator.drivers.cluster.listings import Listings
from clt_operator.store import open_store
from clt_operator.store.artifacts import Artifacts

log = logging.getLogger(__name__)

LOOK = 15.0  # seconds between looks at the profiles
KEEP = 900.0  # seconds for which a store that nobody holds stays open after it was asked for

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

    def hub_token(self, settings: Settings) -> str:
        """The operator's own for the endpoint of the settings; empty: none."""
        ...


@dataclass
class _Kept:
    """An open store, by which profile, and when it was last asked for."""

    artifacts: Artifacts
    profile: str
    asked: float


class OpenStores:
    """Stores by profile. Credentials are read again each time: a mounted Secret changes.

    A store stays open while an experiment holds it, and for a while after it was last asked for.
    One whose variables were replaced is let go at once.
    """

    def __init__(
        self,
        credentials: Path | None,
        endpoint_credentials: Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._credentials, self._endpoints = credentials, endpoint_credentials
        self._clock = clock
        self._kept: dict[Place, _Kept] = {}
        self._open: weakref.WeakValueDictionary[Place, Artifacts] = weakref.WeakValueDictionary()
        self._tokens: dict[str, str] = {}  # by endpoint, as last read
        self._lock = threading.Lock()
        self._redacting: tuple[dict[str, str], Redact] | None = None

    def environment(self, settings: Settings) -> dict[str, str]:
        return store_environment(settings.store_name, settings.store, self._credentials)

    def hub_token(self, settings: Settings) -> str:
        token = hub_token(settings.hub_name, self._endpoints)
        with self._lock:
            self._tokens[settings.hub_name] = token
        return token

    def open(self, settings: Settings) -> Artifacts:
        environment = self.environment(settings)
        place = (settings.store.uri, tuple(sorted(environment.items())))
        with self._lock:
            self._let_go(settings.store_name, place[1])
            artifacts = self._open.get(place)
            if artifacts is None:
                artifacts = Listings(open_store(settings.store.uri, environment, hasty=True))
                self._open[place] = artifacts
            self._kept[place] = _Kept(artifacts, settings.store_name, self._clock())
            return artifacts

    def _let_go(self, profile: str, variables: tuple[tuple[str, str], ...]) -> None:
        """Of what nobody asked for lately, and of what this profile opened by other variables."""
        now = self._clock()
        for place, kept in list(self._kept.items()):
            replaced = kept.profile == profile and place[1] != variables
            if replaced or now - kept.asked > KEEP:
                del self._kept[place]

    def redact(self, text: str) -> str:
        """Text without the credentials of this process, of open stores and of endpoints."""
        known: dict[str, str] = dict(os.environ)
        with self._lock:
            held = {pair for _, variables in list(self._open) for pair in variables}
            held |= {("HF_TOKEN", token) for token in self._tokens.values() if token}
        for at, (name, value) in enumerate(sorted(held)):
            known[f"{name}_{at}"] = value
        redacting = self._redacting
        if redacting is None or redacting[0] != known:
            redacting = self._redacting = (known, redactor(known))
        return redacting[1](text)


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
