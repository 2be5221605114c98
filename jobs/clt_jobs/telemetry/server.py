"""The HTTP server of a runner's series: on every address of its pod, of either family.

It computes beside the work, in threads that end with the process, and says nothing of clients:
one that hangs up is none of the runner's faults.
"""

import logging
import socket
import sys
import threading
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app

log = logging.getLogger("clt.telemetry")


class _Handler(WSGIRequestHandler):
    timeout = 10

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        if isinstance(sys.exc_info()[1], ConnectionError):
            log.debug("%s hung up", client_address)
        else:
            log.exception("no answer to %s", client_address)


class _DualStack(_Server):
    address_family = socket.AF_INET6

    def server_bind(self) -> None:
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


def serve(port: int, registry: CollectorRegistry) -> tuple[WSGIServer, threading.Thread]:
    """The server and its thread. Raises OSError or OverflowError where the port cannot be had."""
    kind = _DualStack if socket.has_dualstack_ipv6() else _Server
    server = kind(("", port), _Handler)
    server.set_app(make_wsgi_app(registry))
    thread = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    thread.start()
    return server, thread
