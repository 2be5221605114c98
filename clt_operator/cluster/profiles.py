"""Profiles from their ConfigMap, and the operator's own credentials for what they name.

Pods read the Secret that a profile names in the experiment's namespace. The operator reads none
of those: its credentials are files that the platform team mounts, a directory for each profile.
"""

from pathlib import Path
from typing import Any, Protocol

from clt_operator.api.errors import CltError, Problem, SpecError, StoreError
from clt_operator.api.profiles import Profiles, StoreProfile
from clt_operator.cluster.resources import CONFIGMAPS, Resource

CONFIG_MAP = "clt-profiles"
KEY = "profiles.yaml"
LARGEST = 64 * 1024  # bytes of a credential

_CURRENT = "..data"  # kubelet swaps this link when a mounted Secret changes


class Finds(Protocol):
    def find(self, resource: Resource, name: str, namespace: str = "") -> dict[str, Any] | None: ...


class NoProfiles(CltError):
    """The installation has no profiles yet."""


def load_profiles(api: Finds, namespace: str, name: str = CONFIG_MAP) -> Profiles:
    """The profiles of an installation.

    Raises NoProfiles where there is no such ConfigMap, SpecError with what is wrong in it,
    ClusterError where the API server refuses or does not answer.
    """
    return profiles_of(find_profiles(api, namespace, name))


def find_profiles(api: Finds, namespace: str, name: str = CONFIG_MAP) -> dict[str, Any]:
    """The ConfigMap. Raises NoProfiles where there is none."""
    found = api.find(CONFIGMAPS, name, namespace)
    if found is None:
        raise NoProfiles(
            f"there is no ConfigMap {name} in namespace {namespace}: the platform team defines "
            "stores, pools and endpoints there (see examples/profiles.yaml)"
        )
    return found


def profiles_of(config_map: dict[str, Any]) -> Profiles:
    """The profiles that a ConfigMap holds. Raises SpecError with line and field."""
    meta, data = config_map["metadata"], config_map.get("data") or {}
    place = f"ConfigMap {meta.get('namespace', '')}/{meta['name']}"
    if KEY not in data:
        listed = ", ".join(sorted(data)[:12]) or "nothing"
        hint = f"it holds {listed}"
        raise SpecError([Problem(KEY, "the key is missing", hint, place)])
    return Profiles.parse(data[KEY], f"{place} {KEY}")


def store_environment(
    name: str, profile: StoreProfile, directory: Path | None = None
) -> dict[str, str]:
    """The variables by which the operator itself opens a store: those of the profile, and a
    file for each credential in ``directory/NAME`` where that is there.

    Read them again for every store that is opened: a mounted Secret changes in place. Without
    keys among them the store is opened with the operator's own identity. Raises StoreError
    where a file cannot be read.
    """
    return {**profile.environment, **_credentials(directory, name, f"store {name}")}


def hub_token(name: str, directory: Path | None = None) -> str:
    """The token by which the operator itself asks an endpoint: the file ``HF_TOKEN`` in
    ``directory/NAME``; empty where there is none. Raises StoreError where it cannot be read."""
    return _credentials(directory, name, f"endpoint {name}").get("HF_TOKEN", "")


def _credentials(directory: Path | None, name: str, whose: str) -> dict[str, str]:
    """A variable for each file of ``directory/NAME``."""
    made: dict[str, str] = {}
    if directory is None or not name or not (directory / name).is_dir():
        return made
    place = directory / name
    current = place / _CURRENT
    try:  # one generation of the Secret, also where it is swapped meanwhile
        files = sorted((current.resolve(strict=True) if current.exists() else place).iterdir())
        for path in files:
            if path.name.isidentifier() and path.is_file():
                made[path.name] = _read(path)
    except OSError as error:
        raise StoreError(
            f"the operator's credentials for {whose} in {place} cannot be read: {error.strerror}"
        ) from error
    return made


def _read(path: Path) -> str:
    with path.open("rb") as file:
        data = file.read(LARGEST + 1)
    try:
        text = data.decode().strip()
    except UnicodeDecodeError:
        text = ""
    if not text or len(data) > LARGEST or not text.isprintable():
        raise StoreError(f"the credential {path} must be one line of text, and is not")
    return text
