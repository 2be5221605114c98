"""Who asked the API server for what, and when, to the microsecond: its audit log."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True)
class Answered:
    """One request that went well; times are seconds since the epoch by the server's clock."""

    verb: str
    user: str
    resource: str  # jobs, jobs/status, …
    namespace: str
    name: str
    received: float
    answered: float


def answered(log: Path, mark: int = 0, resources: tuple[str, ...] = ()) -> Iterator[Answered]:
    """The requests after a mark (a size of the log), in the order of their answers; of some
    resources or of all."""
    with log.open("rb") as lines:
        lines.seek(mark)
        for line in lines:
            if not line.endswith(b"\n"):
                return
            event = json.loads(line)
            if event["stage"] != "ResponseComplete":
                continue
            target = event.get("objectRef", {})
            parts = (target.get("resource", ""), target.get("subresource", ""))
            resource = "/".join(filter(None, parts))
            code = event.get("responseStatus", {}).get("code", 0)
            if code < 200 or code >= 300 or (resources and resource not in resources):
                continue
            yield Answered(
                verb=event["verb"],
                user=event["user"].get("username", ""),
                resource=resource,
                namespace=target.get("namespace", ""),
                name=target.get("name", ""),
                received=_epoch(event["requestReceivedTimestamp"]),
                answered=_epoch(event["stageTimestamp"]),
            )


def _epoch(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
