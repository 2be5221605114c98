"""What the platform team defines once and a spec only names: stores, pools, endpoints, limits.

``entries`` are the profiles as they are written, ``installation`` the whole file, ``settings``
what one experiment gets of it, ``sources`` what a spec may read on a cluster.
"""

from clt_operator.api.profiles.entries import (
    CacheProfile,
    EndpointProfile,
    Limits,
    PoolProfile,
    PriorityProfile,
    StoreProfile,
    Toleration,
)
from clt_operator.api.profiles.installation import Profiles
from clt_operator.api.profiles.settings import POOL_LABEL, Owner, Settings

__all__ = [
    "POOL_LABEL",
    "CacheProfile",
    "EndpointProfile",
    "Limits",
    "Owner",
    "PoolProfile",
    "PriorityProfile",
    "Profiles",
    "Settings",
    "StoreProfile",
    "Toleration",
]
