"""Roots of experiments that were deleted while nobody watched.

A root keeps artifacts from collection. Only roots that this installation wrote are dropped: a
store may serve several clusters.
"""

import logging
from collections.abc import Collection, Mapping

from clt_operator.api.profiles import Profiles, Settings
from clt_operator.drivers.cluster.installation import Installation, OpenStores
from clt_operator.store.artifacts import Artifacts

log = logging.getLogger(__name__)


def drop_orphans(
    installation: Installation,
    stores: OpenStores,
    here: Mapping[tuple[str, str], str],
    namespaces: Collection[str],
) -> int:
    """Drops the roots of experiments that are not ``here`` (place → uid), in the watched
    namespaces ("" is all); returns how many. Raises StoreError or TransientError."""
    dropped = 0
    if not installation.uid:
        return 0
    for artifacts in _stores(installation.profiles, stores, {place[0] for place in here}):
        for place in artifacts.roots():
            if place[0] not in namespaces and "" not in namespaces:
                continue
            root = artifacts.root(*place) or {}
            if root.get("installation") != installation.uid or root.get("uid") == here.get(place):
                continue
            if place in here:  # made anew under the same name: its own root comes
                continue
            artifacts.drop_root(*place)
            log.info("experiment %s/%s is gone: its root was dropped", *place)
            dropped += 1
    return dropped


def _stores(profiles: Profiles, stores: OpenStores, namespaces: set[str]) -> list[Artifacts]:
    """Every store of the profiles, with the prefixes of the namespaces that have experiments."""
    found: dict[str, Artifacts] = {}
    for name, profile in profiles.stores.items():
        for namespace in namespaces if "{namespace}" in profile.uri else ("",):
            settings = Settings(
                image=profiles.image,
                namespace=namespace,
                store=profile.within(namespace),
                store_name=name,
            )
            found.setdefault(settings.store.uri, stores.open(settings))
    return list(found.values())
