"""What the API server was asked: its audit log, read from a mark on."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WRITES = ("create", "update", "patch", "delete", "deletecollection")


@dataclass(frozen=True)
class Request:
    """One answered request."""

    verb: str
    user: str
    agent: str
    resource: str  # jobs, experiments/status, …
    namespace: str
    name: str
    code: int
    uri: str


class AuditLog:
    """``mark = audit.mark(); …; audit.since(mark, agent="clt-operator", verbs=WRITES)``."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def mark(self) -> int:
        """Now, as a place in the log."""
        return self._path.stat().st_size

    def since(
        self, mark: int = 0, *, user: str = "", agent: str = "", verbs: tuple[str, ...] = ()
    ) -> list[Request]:
        """Answered requests after a mark, in order: of a user (its full name), of clients whose
        name begins with ``agent``, of some verbs; what is left empty matches all."""
        return [
            request
            for request in self._requests(mark)
            if user in ("", request.user)
            and request.agent.startswith(agent)
            and (not verbs or request.verb in verbs)
        ]

    def writes(self, mark: int = 0, *, user: str = "", agent: str = "") -> list[Request]:
        """Those that asked for a change. Leases are left out: a leader renews its own."""
        found = self.since(mark, user=user, agent=agent, verbs=WRITES)
        return [request for request in found if request.resource != "leases"]

    def _requests(self, mark: int) -> Iterator[Request]:
        with self._path.open("rb") as log:
            log.seek(mark)
            for line in log:
                if line.endswith(b"\n"):
                    event = json.loads(line)
                    if event["stage"] == "ResponseComplete":
                        yield _request(event)


def _request(event: dict[str, Any]) -> Request:
    target = event.get("objectRef", {})
    parts = [target.get("resource", ""), target.get("subresource", "")]
    return Request(
        verb=event["verb"],
        user=event["user"].get("username", ""),
        agent=event.get("userAgent", ""),
        resource="/".join(part for part in parts if part),
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        code=event.get("responseStatus", {}).get("code", 0),
        uri=event["requestURI"],
    )
