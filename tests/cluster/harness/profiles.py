"""The profiles ConfigMap of a test: one store, the two pools of the fake nodes."""

from typing import Any

import yaml
from cluster.harness.cluster import Cluster, config_map, secret
from cluster.harness.store import Store

CONFIG_MAP = "clt-profiles"
STORE = "main"  # the only store, hence the one of specs that name none
STORE_SECRET = "store-credentials"  # noqa: S105 - a name
POOLS: dict[str, Any] = {
    "cpu": {"nodeSelector": {"clt.dev/pool": "cpu"}},
    "gpu": {"nodeSelector": {"clt.dev/pool": "gpu"}},
}


def write_profiles(cluster: Cluster, namespace: str, store: Store, **changes: Any) -> None:
    """Profiles and the store's Secret, both in ``namespace``; ``changes`` are top-level fields
    of the profiles (``queue="team"``, ``limits={"steps": 10}``). May be called again."""
    entry = {
        "uri": store.uri,
        "secret": STORE_SECRET,
        "environment": store.plain_environment,
        "namespaces": ["*"],
    }
    profiles = {"stores": {STORE: entry}, "pools": POOLS, "image": "clt-jobs:test", **changes}
    text = yaml.safe_dump(profiles, sort_keys=False)
    cluster.apply(
        config_map(namespace, CONFIG_MAP, {"profiles.yaml": text}),
        secret(namespace, STORE_SECRET, dict(store.credentials)),
    )
