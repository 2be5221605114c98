"""A small API server over real HTTP: objects in memory, watches, and faults on demand.

It knows one collection per path, versions, pages, merge patches with preconditions and watches
with bookmarks: enough to test a client. What the real server answers is tested on a real one.
"""

import json
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from clt_operator.cluster.api import Api

Object = dict[str, Any]


@dataclass(frozen=True)
class Request:
    method: str
    path: str  # of the collection, with "/named/NAMESPACE/NAME" for one object
    raw: str  # as it was asked for
    query: dict[str, str]
    headers: dict[str, str]
    body: Any

    @property
    def watches(self) -> bool:
        return self.query.get("watch") == "true"


@dataclass
class Reply:
    """``drop``: the connection ends without an answer, or after the lines that were sent."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False


Fault = Callable[[Request], Reply | None]


def status(code: int, reason: str, message: str = "", **details: Any) -> Reply:
    body = {"kind": "Status", "code": code, "reason": reason, "message": message}
    return Reply(code, {**body, "details": details})


class ApiServer:
    """``faults`` are asked first, each once for every request that it answers."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.faults: deque[Fault] = deque()
        self.running = threading.Event()  # cleared: frozen, connections are taken but not served
        self.running.set()
        self.objects: dict[str, dict[str, Object]] = {}
        self.version = 100
        self.compacted = 0  # versions before it are gone
        self.watch_seconds: float | None = None  # instead of what the client asks for
        self.bookmark_seconds = 60.0
        self._log: list[tuple[int, str, str, Object]] = []
        self._changed = threading.Condition()
        self.stopping = False
        self.generation = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def api(self, directory: Path, **limits: Any) -> Api:
        """A client, by a kubeconfig in ``directory``."""
        path = directory / f"kubeconfig-{uuid.uuid4().hex[:8]}"
        user = {"token": "a-token"}
        path.write_text(
            json.dumps(
                {
                    "current-context": "fake",
                    "clusters": [
                        {"name": "c", "cluster": {"server": f"http://127.0.0.1:{self.port}"}}
                    ],
                    "users": [{"name": "u", "user": user}],
                    "contexts": [{"name": "fake", "context": {"cluster": "c", "user": "u"}}],
                }
            )
        )
        return Api.connect(kubeconfig=str(path)).limited(**limits)

    def fail(self, *replies: Reply) -> None:
        """The next requests get these answers."""
        for reply in replies:
            self.faults.append(lambda _, reply=reply: reply)

    def put(self, collection: str, name: str, namespace: str = "team", **parts: Any) -> Object:
        """Creates or changes an object behind the client's back."""
        with self._changed:
            old = self.objects.setdefault(collection, {}).get(f"{namespace}/{name}")
            metadata = (
                dict(old["metadata"])
                if old
                else {"name": name, "namespace": namespace, "uid": uuid.uuid4().hex}
            )
            item = {**(old or {}), **parts}
            item["metadata"] = {**metadata, **parts.get("metadata", {})}
            return self._store(collection, item, "MODIFIED" if old else "ADDED")

    def remove(self, collection: str, name: str, namespace: str = "team") -> None:
        with self._changed:
            item = self.objects[collection].pop(f"{namespace}/{name}")
            self.version += 1
            item = {**item, "metadata": {**item["metadata"], "resourceVersion": f"{self.version}"}}
            self._log.append((self.version, collection, "DELETED", item))
            self._changed.notify_all()

    def forget(self) -> None:
        """Drops all history: watches from before get 410."""
        with self._changed:
            self.version += 1
            self.compacted = self.version
            self._log.clear()

    def cut(self) -> None:
        """Breaks the watches that are open."""
        with self._changed:
            self.generation += 1
            self._changed.notify_all()

    def close(self) -> None:
        self.stopping = True
        self.running.set()
        self.cut()
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: Request) -> Reply:
        """Of the objects in memory."""
        collection, _, name = request.path.partition("/named/")
        with self._changed:
            if request.method == "POST":
                return self._create(collection, request.body)
            if not name:
                return self._page(collection, request.query)
            item = self.objects.get(collection, {}).get(name)
            if item is None:
                return status(404, "NotFound", f'"{name}" not found')
            if request.method == "PATCH":
                return self._patch(collection, item, request.body)
            if request.method == "DELETE":
                return self._delete(collection, item, request.body or {})
            return Reply(200, item)

    def watch(self, request: Request, generation: int) -> Iterator[Object]:
        """Events from a version on; ends at the time limit."""
        told = int(request.query["resourceVersion"])
        end = time.monotonic() + (self.watch_seconds or float(request.query["timeoutSeconds"]))
        bookmark = time.monotonic() + self.bookmark_seconds
        while not self.stopping and time.monotonic() < end:
            with self._changed:
                if told < self.compacted:
                    gone = {"code": 410, "reason": "Expired", "message": "too old"}
                    yield {"type": "ERROR", "object": gone}
                    return
                fresh = [entry for entry in self._log if entry[0] > told]
                told = max([told, *(entry[0] for entry in fresh)])
                if not fresh:
                    self._changed.wait(min(0.02, max(0.001, end - time.monotonic())))
            if self.generation != generation:
                raise ConnectionResetError
            for _, where, kind, item in fresh:
                if where == request.path.partition("/named/")[0]:
                    yield {"type": kind, "object": item}
            if time.monotonic() >= bookmark:
                bookmark += self.bookmark_seconds
                metadata = {"resourceVersion": str(self.version)}
                told = self.version
                yield {"type": "BOOKMARK", "object": {"metadata": metadata}}

    def _store(self, collection: str, item: Object, kind: str) -> Object:
        self.version += 1
        item = {**item, "metadata": {**item["metadata"], "resourceVersion": str(self.version)}}
        metadata = item["metadata"]
        place = f"{metadata['namespace']}/{metadata['name']}"
        self.objects.setdefault(collection, {})[place] = item
        self._log.append((self.version, collection, kind, item))
        self._changed.notify_all()
        return item

    def _create(self, collection: str, body: Object) -> Reply:
        metadata = body["metadata"]
        place = f"{metadata['namespace']}/{metadata['name']}"
        if place in self.objects.get(collection, {}):
            return status(409, "AlreadyExists", f'"{place}" already exists')
        item = {**body, "metadata": {**metadata, "uid": uuid.uuid4().hex}}
        return Reply(201, self._store(collection, item, "ADDED"))

    def _patch(self, collection: str, item: Object, body: Object) -> Reply:
        wanted = body.get("metadata", {}).get("resourceVersion")
        if wanted and wanted != item["metadata"]["resourceVersion"]:
            return status(409, "Conflict", "the object has been modified")
        merged = {**item, **{k: v for k, v in body.items() if k != "metadata"}}
        return Reply(200, self._store(collection, merged, "MODIFIED"))

    def _delete(self, collection: str, item: Object, options: Object) -> Reply:
        uid = (options.get("preconditions") or {}).get("uid")
        if uid and uid != item["metadata"]["uid"]:
            return status(409, "Conflict", "Precondition failed: UID")
        self.remove(collection, item["metadata"]["name"], item["metadata"]["namespace"])
        return Reply(200, {"kind": "Status", "status": "Success"})

    def _page(self, collection: str, query: dict[str, str]) -> Reply:
        token = query.get("continue", "")
        version, start = (int(part) for part in token.split(".")) if token else (self.version, 0)
        if version < self.compacted:
            return status(410, "Expired", "The provided continue parameter is too old")
        limit = int(query.get("limit", "0")) or 10**9
        items = list(self.objects.get(collection, {}).values())
        metadata = {"resourceVersion": str(version)}
        if start + limit < len(items):
            metadata["continue"] = f"{version}.{start + limit}"
        return Reply(200, {"metadata": metadata, "items": items[start : start + limit]})


@contextmanager
def api_server() -> Iterator[ApiServer]:
    server = ApiServer()
    try:
        yield server
    finally:
        server.close()


def _handler(fake: ApiServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_one(self) -> None:
            request = self._request()
            fake.running.wait()
            if fake.stopping:  # a connection that was kept
                self.close_connection = True
                return
            generation = fake.generation  # before anybody can know of the request
            fake.requests.append(request)
            reply = self._fault(request)
            if reply is None and request.watches:
                self._stream(request, generation)
                return
            reply = reply or fake.answer(request)
            if reply.drop:
                self.close_connection = True
                return
            self._send(reply)

        do_GET = do_POST = do_PATCH = do_DELETE = handle_one  # noqa: N815 - http.server asks for them

        def _request(self) -> Request:
            parts = urlsplit(self.path)
            data = self.rfile.read(int(self.headers.get("content-length") or 0))
            return Request(
                self.command,
                _named(parts.path),
                parts.path,
                dict(parse_qsl(parts.query)),
                {name.lower(): value for name, value in self.headers.items()},
                json.loads(data) if data else None,
            )

        def _fault(self, request: Request) -> Reply | None:
            for fault in list(fake.faults):
                reply = fault(request)
                if reply is not None:
                    fake.faults.remove(fault)
                    return reply
            return None

        def _send(self, reply: Reply) -> None:
            data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _stream(self, request: Request, generation: int) -> None:
            self.send_response(200)
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            try:
                for event in fake.watch(request, generation):
                    line = json.dumps(event).encode() + b"\n"
                    fake.running.wait()
                    self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
                self.wfile.write(b"0\r\n\r\n")
            except OSError:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Tests read ``requests``."""

    return Handler


def _named(path: str) -> str:
    """``…/namespaces/NS/PLURAL/NAME`` as ``…/PLURAL/named/NS/NAME``, so that a collection has one
    name in all namespaces."""
    parts = path.strip("/").split("/")
    if "namespaces" not in parts:
        return "/" + "/".join(parts)
    at = parts.index("namespaces")
    root, namespace, rest = parts[:at], parts[at + 1], parts[at + 2 :]
    collection = "/" + "/".join([*root, rest[0]])
    return f"{collection}/named/{namespace}/{rest[1]}" if len(rest) > 1 else collection
