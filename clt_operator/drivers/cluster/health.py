"""/healthz, /readyz and /metrics over HTTP."""

import logging
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

log = logging.getLogger(__name__)

Check = Callable[[], str]  # the problem; empty where there is none


class Health:
    """Serves until ``close``. A check that names a problem answers 503 with it."""

    def __init__(
        self, bind: str, healthy: Check, ready: Check, metrics: Callable[[], bytes]
    ) -> None:
        host, _, port = bind.rpartition(":")
        handler = _handler(healthy, ready, metrics)
        self._server = _Server((host.strip("[]"), int(port)), handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="health", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        """Who asked may hang up before the answer is there: that is no error of this process."""
        if isinstance(sys.exc_info()[1], ConnectionError):
            log.debug("%s hung up", client_address)
        else:
            log.exception("no answer to %s", client_address)


def _handler(
    healthy: Check, ready: Check, metrics: Callable[[], bytes]
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        server_version, sys_version = "clt-operator", ""
        timeout = 10

        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                self._answer(200, metrics(), "text/plain; version=0.0.4; charset=utf-8")
            elif path in ("/healthz", "/readyz"):
                problem = healthy() if path == "/healthz" else ready()
                self._answer(503 if problem else 200, (problem or "ok").encode() + b"\n")
            else:
                self._answer(404, b"/healthz /readyz /metrics\n")

        def _answer(self, status: int, body: bytes, kind: str = "text/plain") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            log.debug(format, *args)

    return Handler
