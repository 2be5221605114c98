"""A plain client of the tests' own: JSON in, JSON out, and a watch that never ends.

It knows nothing of the product's client, so that a fault there does not hide behind itself.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import urllib3
from kubernetes.config import new_client_from_config

Json = dict[str, Any]
T = TypeVar("T")

PATCH_TYPES = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "json": "application/json-patch+json",
    "apply": "application/apply-patch+yaml",
}
WATCH_SECONDS = 60  # after which the server ends a watch and it is begun anew
ANSWER_SECONDS = 30
CONNECTIONS = 32
PASSING = (429, 500, 503, 504)  # answers that may be another one soon
AGAIN_SECONDS = 0.2  # between two tries to reach a server that is away


class Refused(AssertionError):
    """The API server answered with an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status, self.message = status, message


class Away(Exception):
    """No answer: the server is down or frozen."""


class Client:
    """Requests to one API server; safe to share between threads."""

    def __init__(self, kubeconfig: Path) -> None:
        made = new_client_from_config(config_file=str(kubeconfig))
        made.configuration.connection_pool_maxsize = CONNECTIONS
        self.server = made.configuration.host
        self._made = type(made)(made.configuration)
        self._pool = self._made.rest_client.pool_manager

    def get(self, path: str, **query: object) -> Json:
        return self._send("GET", path, query=query)

    def find(self, path: str) -> Json | None:
        """None where there is no such object."""
        try:
            return self.get(path)
        except Refused as error:
            if error.status == 404:
                return None
            raise

    def items(self, path: str, **query: object) -> list[Json]:
        """All objects of a collection, in one list."""
        return list(self.get(path, **query)["items"])

    def create(self, path: str, body: Json) -> Json:
        """``path`` is the collection, or a subresource that takes a POST."""
        return self._send("POST", path, body)

    def patch(self, path: str, body: object, kind: str = "merge", **query: object) -> Json:
        """``kind`` is one of PATCH_TYPES; server-side apply wants ``fieldManager`` as a query."""
        return self._send("PATCH", path, body, PATCH_TYPES[kind], query)

    def replace(self, path: str, body: Json) -> Json:
        return self._send("PUT", path, body)

    def delete(self, path: str, **options: object) -> None:
        """Options are fields of DeleteOptions; an absent object is no error."""
        try:
            self._send("DELETE", path, {"propagationPolicy": "Background", **options})
        except Refused as error:
            if error.status != 404:
                raise

    def text(self, path: str) -> str:
        """The answer as it is."""
        response = self._open("GET", path)
        if response.status >= 400:
            raise Refused(response.status, _message(response.data))
        return response.data.decode()

    def follow(
        self, path: str, stop: threading.Event, labels: str = ""
    ) -> Iterator[tuple[str, Json]]:
        """("ADDED" | "MODIFIED" | "DELETED", object) from a first listing on, until ``stop``.

        It outlives restarts, freezes and compactions of the server; after a gap the objects
        that are there come again as ADDED, and those that went are not named.
        """
        query = {"labelSelector": labels} if labels else {}
        version = ""
        while not stop.is_set():
            try:
                if not version:
                    listed = self.get(path, **query)
                    version = listed["metadata"]["resourceVersion"]
                    for item in listed["items"]:
                        yield "ADDED", item
                for kind, item in self._watch(path, version, query, stop):
                    if kind == "ERROR":
                        version = ""
                        break
                    version = item["metadata"]["resourceVersion"]
                    if kind != "BOOKMARK":
                        yield kind, item
            except Refused:
                version = ""
                stop.wait(AGAIN_SECONDS)
            except Away:
                stop.wait(AGAIN_SECONDS)

    def events_of(self, path: str, version: str) -> list[tuple[str, Json]]:
        """What a watch from a version on says at once. Raises Refused where it is refused, in
        the answer's status or as its first event."""
        events = []
        for kind, item in self._watch(path, version, {}, threading.Event(), seconds=1):
            if kind == "ERROR":
                raise Refused(item["code"], item["message"])
            events.append((kind, item))
        return events

    def _watch(
        self,
        path: str,
        version: str,
        query: Json,
        stop: threading.Event,
        seconds: int = WATCH_SECONDS,
    ) -> Iterator[tuple[str, Json]]:
        asked = {
            "watch": "1",
            "resourceVersion": version,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": seconds,
            **query,
        }
        response = self._open("GET", path, asked, timeout=5.0, stream=True)
        try:
            if response.status != 200:
                raise Refused(response.status, response.read().decode(errors="replace"))
            yield from self._lines(response, stop)
        finally:
            response.close()

    def _lines(
        self, response: urllib3.BaseHTTPResponse, stop: threading.Event
    ) -> Iterator[tuple[str, Json]]:
        """Events of a stream. It is read with short patience so that ``stop`` is heeded; a
        timeout ends the stream, and the caller begins a new one at the same version."""
        rest = b""
        try:
            for part in response.stream(None):
                *lines, rest = (rest + part).split(b"\n")
                for line in lines:
                    event = json.loads(line)
                    yield event["type"], event["object"]
                if stop.is_set():
                    return
        except (urllib3.exceptions.HTTPError, OSError):
            return

    def _send(
        self,
        method: str,
        path: str,
        body: object = None,
        content_type: str = "application/json",
        query: Json | None = None,
    ) -> Json:
        data = None if body is None else json.dumps(body)
        response = self._open(method, path, query, body=data, content_type=content_type)
        if response.status >= 400:
            raise Refused(response.status, _message(response.data))
        return dict(json.loads(response.data))

    def _open(
        self,
        method: str,
        path: str,
        query: Json | None = None,
        *,
        body: str | None = None,
        content_type: str = "application/json",
        timeout: float = ANSWER_SECONDS,
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        headers = {
            "accept": "application/json",
            "content-type": content_type,
            "user-agent": "clt-test-harness",
        }
        self._made.update_params_for_auth(headers, [], ["BearerToken"], path, method, None)
        try:
            response: urllib3.BaseHTTPResponse = self._pool.request(
                method,
                f"{self.server}{path}" + (f"?{urlencode(query)}" if query else ""),
                body=body,
                headers=headers,
                timeout=urllib3.Timeout(connect=5.0, read=timeout),
                retries=False,
                preload_content=not stream,
            )
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise Away(f"{method} {path}: {error}") from error
        return response


def patiently(request: Callable[[], T], seconds: float = 300) -> T:
    """Sends a request of the client again while the server is away or overloaded."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return request()
        except Away:
            if time.monotonic() > deadline:
                raise
        except Refused as error:
            if error.status not in PASSING or time.monotonic() > deadline:
                raise
        time.sleep(AGAIN_SECONDS)


def _message(data: bytes) -> str:
    try:
        return str(json.loads(data)["message"])
    except (ValueError, KeyError, TypeError):
        return data.decode(errors="replace")
