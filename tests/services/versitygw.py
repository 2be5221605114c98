"""versitygw: a real S3 gateway over a directory, built once and started per test session.

``build`` compiles the pinned version into a cache outside the repository; ``running`` starts it
on a free loopback port. Where Go is missing, tests that need it are skipped with the reason, or
fail where CI is set.
"""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from services.go_program import GoProgram

VERSION = "1.8.0"
PROGRAM = GoProgram("versitygw", VERSION, "github.com/versity/versitygw/cmd/versitygw", 1200)
START_SECONDS = 30


@dataclass(frozen=True)
class Gateway:
    """A running gateway: what an S3 client needs, and the directory behind it."""

    endpoint: str
    access_key: str
    secret_key: str
    directory: Path  # one directory per bucket, one file per object
    pid: int

    @property
    def environment(self) -> dict[str, str]:
        """The standard variables that point a client at this gateway."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": "us-east-1",
        }

    def make_bucket(self, name: str) -> None:
        """A bucket is a directory; made there to need no client."""
        (self.directory / name).mkdir()


def build() -> Path:
    """The gateway's binary. Raises RuntimeError that says why it cannot be built."""
    return PROGRAM.build()


def built_or_skipped() -> Path:
    """The binary; skips the test where it cannot be built, fails it under CI."""
    return PROGRAM.built_or_skipped()


@contextmanager
def running(binary: Path, directory: Path) -> Iterator[Gateway]:
    """A gateway over an empty directory, stopped at the end by its process id."""
    buckets = directory / "buckets"
    buckets.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    keys = {"ROOT_ACCESS_KEY": "test-access", "ROOT_SECRET_KEY": "test-secret"}
    with (directory / "gateway.log").open("wb") as log:
        process = subprocess.Popen(
            [binary, "--port", address, "--health", "/health", "--quiet", "posix", buckets],
            env={**os.environ, **keys},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_healthy(process, f"http://{address}", directory / "gateway.log")
            yield Gateway(
                f"http://{address}",
                keys["ROOT_ACCESS_KEY"],
                keys["ROOT_SECRET_KEY"],
                buckets,
                process.pid,
            )
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_healthy(process: subprocess.Popen[bytes], endpoint: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{endpoint}/health", timeout=1) as answer:  # noqa: S310
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.02)  # the port does not answer yet
    raise RuntimeError(f"versitygw did not start: {log.read_text(errors='replace')[-2000:]}")
