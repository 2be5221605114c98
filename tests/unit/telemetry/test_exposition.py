"""Series are served where a port is given; that they cannot be is a warning and no more."""

import logging
import re
import socket
import struct
import threading
import urllib.request

import pytest

from clt_jobs.telemetry.exposition import exposed
from clt_operator.api.telemetry import STORE_RETRIES


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def scrape(port: int, host: str = "127.0.0.1") -> str:
    with urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=5) as answer:
        return str(answer.read().decode())


def test_a_port_is_served_while_the_work_goes_on(port: int) -> None:
    with exposed({"CLT_METRICS_PORT": str(port)}) as exposition:
        assert exposition
        exposition.child(STORE_RETRIES, ("get",)).inc(2)
        text = scrape(port)
    assert 'clt_store_retries_total{operation="get"} 2.0' in text
    assert "process_cpu_seconds_total" in text
    with pytest.raises(OSError, match="refused"):
        scrape(port)


def test_both_families_of_addresses_are_served(port: int) -> None:
    """A pod of a cluster with IPv6 alone is scraped, too."""
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    with exposed({"CLT_METRICS_PORT": str(port)}):
        for host in ("127.0.0.1", "[::1]"):
            assert "process_cpu_seconds_total" in scrape(port, host)


def test_a_client_that_hangs_up_is_no_error(
    port: int, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with exposed({"CLT_METRICS_PORT": str(port)}):
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(b"GET /met")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        scrape(port)
        for thread in threading.enumerate():
            if "process_request_thread" in thread.name:
                thread.join(10)
    assert "Traceback" not in capfd.readouterr().err
    assert not [r for r in caplog.records if r.levelno >= logging.WARNING]


def test_memory_is_that_of_now(port: int) -> None:
    with exposed({"CLT_METRICS_PORT": str(port)}):
        text = scrape(port)
    for state in ("resident", "resident_peak"):
        found = re.search(rf'clt_memory_bytes{{state="{state}"}} (\S+)', text)
        assert found
        assert float(found[1]) > 1e6


def test_without_a_port_nothing_is_served() -> None:
    threads = threading.active_count()
    with exposed({}) as exposition:
        assert exposition is None
        assert threading.active_count() == threads


def test_a_port_in_use_is_a_warning(port: int, caplog: pytest.LogCaptureFixture) -> None:
    with (
        socket.create_server(("", port)),
        caplog.at_level(logging.WARNING),
        exposed({"CLT_METRICS_PORT": str(port)}) as exposition,
    ):
        assert exposition is None
    assert f"no metrics: CLT_METRICS_PORT={port}" in caplog.text


@pytest.mark.parametrize("text", ["none", "70000"])
def test_a_port_that_is_none_is_a_warning(text: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), exposed({"CLT_METRICS_PORT": text}) as exposition:
        assert exposition is None
    assert "no metrics" in caplog.text
