"""Which queues Jobs of a namespace may wait in."""

from clt_operator.cluster.api import Api
from clt_operator.cluster.errors import Forbidden
from clt_operator.cluster.resources import KUEUE, LOCAL_QUEUES


def queues_of(api: Api, namespace: str) -> list[str] | None:
    """The names of the LocalQueues of a namespace; none where the cluster has no Kueue, None
    where they may not be read."""
    version = api.served(KUEUE).get(LOCAL_QUEUES.plural)
    if version is None:
        return []
    try:
        found = api.list(LOCAL_QUEUES.at(version), namespace)
        return [queue["metadata"]["name"] for queue in found]
    except Forbidden:
        return None
