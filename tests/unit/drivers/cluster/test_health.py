"""Health and metrics over HTTP."""

import logging
import socket
import struct
import threading
import urllib.request

import pytest

from clt_operator.drivers.cluster.health import Health


class Metrics:
    """An answer too long for the buffers of a connection."""

    def __init__(self):
        self.asked, self.go_on = threading.Event(), threading.Event()

    def __call__(self):
        self.asked.set()
        self.go_on.wait(10)
        return b"x" * 30_000_000


@pytest.fixture
def metrics():
    return Metrics()


@pytest.fixture
def serve():
    made = []

    def one(metrics=lambda: b""):
        made.append(Health("127.0.0.1:0", lambda: "", lambda: "", metrics))
        return made[-1].port

    yield one
    for each in made:
        each.close()


def hang_up(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def handled(name="process_request_thread"):
    """Waits for the threads of requests."""
    for thread in threading.enumerate():
        if name in thread.name:
            thread.join(10)


def test_a_client_that_hangs_up_is_no_error(serve, metrics, capfd, caplog):
    port = serve(metrics)
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    assert metrics.asked.wait(10)
    hang_up(client)
    metrics.go_on.set()
    handled()
    assert "Traceback" not in capfd.readouterr().err
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer:
        assert answer.read() == b"ok\n"


def test_another_error_is_logged(serve, caplog):
    def broken():
        raise ValueError("no such family")

    port = serve(broken)
    with pytest.raises(OSError, match="closed"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10)
    handled()
    assert "no such family" in caplog.text
