"""429 for everything that one user asks: a priority level without seats, and somebody in it.

A level of zero seats still lets a single request in at a time, so one is kept inside: a POST
whose body never comes. The rest is the API server's own flow control, ``Retry-After`` included.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cluster.harness.client import Client
from cluster.harness.waiting import until

NAME = "clt-test-throttle"
HOLDER = "clt-test-seat"  # the user who sits in the level
BASE = "/apis/flowcontrol.apiserver.k8s.io/v1"
LEVELS, SCHEMAS = f"{BASE}/prioritylevelconfigurations", f"{BASE}/flowschemas"
REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"  # open to every user


@contextmanager
def throttled(
    client: Client, users: tuple[str, ...], authority: Path, seat: tuple[Path, Path]
) -> Iterator[None]:
    """``seat`` is certificate and key of the user HOLDER."""
    client.create(LEVELS, _no_seats())
    try:
        # The seat is taken before the users come: a request of theirs could sit in it, and go.
        client.create(SCHEMAS, _flow_of(HOLDER))
        until(lambda: _is_in_force(client), 10, what="the priority level is in force")
        connection = _sit_down(client.server, authority, seat)
        try:
            until(lambda: _is_taken(client), 10, what="the seat is taken")
            client.patch(f"{SCHEMAS}/{NAME}", _flow_of(*users, HOLDER))
            yield
        finally:
            connection.close()
    finally:
        client.delete(f"{SCHEMAS}/{NAME}")
        client.delete(f"{LEVELS}/{NAME}")


def _sit_down(server: str, authority: Path, seat: tuple[Path, Path]) -> HTTPSConnection:
    """A request that the server reads and reads; it ends with the connection."""
    context = ssl.create_default_context(cafile=str(authority))
    context.load_cert_chain(*map(str, seat))
    address = urlsplit(server)
    connection = HTTPSConnection(address.hostname or "", address.port, context=context)
    connection.putrequest("POST", REVIEWS)
    connection.putheader("content-type", "application/json")
    connection.putheader("content-length", "1000")
    connection.endheaders(b"{")
    return connection


def _levels(client: Client) -> dict[str, dict[str, str]]:
    """The server's own table of levels: name to columns."""
    text = client.text("/debug/api_priority_and_fairness/dump_priority_levels")
    header, *rows = ([cell.strip() for cell in line.split(",")] for line in text.splitlines())
    return {row[0]: dict(zip(header, row, strict=False)) for row in rows}


def _is_in_force(client: Client) -> bool:
    return NAME in _levels(client)


def _is_taken(client: Client) -> bool:
    return _levels(client)[NAME]["ExecutingRequests"] == "1"


def _no_seats() -> dict[str, Any]:
    limited = {
        "nominalConcurrencyShares": 0,
        "lendablePercent": 0,
        "borrowingLimitPercent": 0,
        "limitResponse": {"type": "Reject"},
    }
    return {"metadata": {"name": NAME}, "spec": {"type": "Limited", "limited": limited}}


def _flow_of(*users: str) -> dict[str, Any]:
    resources = {
        "verbs": ["*"],
        "apiGroups": ["*"],
        "resources": ["*"],
        "namespaces": ["*"],
        "clusterScope": True,
    }
    others = {"verbs": ["*"], "nonResourceURLs": ["*"]}
    rule = {
        "subjects": [{"kind": "User", "user": {"name": user}} for user in users],
        "resourceRules": [resources],
        "nonResourceRules": [others],
    }
    spec = {
        "priorityLevelConfiguration": {"name": NAME},
        "matchingPrecedence": 2,
        "rules": [rule],
    }
    return {"metadata": {"name": NAME}, "spec": spec}
