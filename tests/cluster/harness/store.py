"""An S3 gateway that can be away: the store of the tests."""

import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster.harness.processes import Program, free_port
from cluster.harness.waiting import until

from clt_operator.store import open_store
from clt_operator.store.artifacts import Artifacts

START_SECONDS = 30
KEYS = {"ROOT_ACCESS_KEY": "test-access", "ROOT_SECRET_KEY": "test-secret"}


class Gateway:
    """versitygw over a directory, on one address for all its life."""

    def __init__(self, binary: Path, directory: Path) -> None:
        self._buckets = directory / "buckets"
        self._buckets.mkdir(parents=True)
        address = f"127.0.0.1:{free_port()}"
        self.endpoint = f"http://{address}"
        arguments = ["--port", address, "--health", "/health", "--quiet"]
        self.program = Program(
            "versitygw", [str(binary), *arguments, "posix", str(self._buckets)], directory, KEYS
        )

    def start(self) -> None:
        """Returns when it answers."""
        self.program.start()
        until(self._is_healthy, START_SECONDS, what="versitygw answers")

    def stop(self) -> None:
        self.program.stop()

    def recover(self) -> None:
        """Undoes what a test that failed may have left: frozen, dead."""
        self.program.thaw()
        self.start()

    def make_bucket(self, name: str) -> "Store":
        """A bucket of its own, as a store."""
        (self._buckets / name).mkdir()
        return Store(f"s3://{name}/clt", self.environment, self)

    @property
    def environment(self) -> dict[str, str]:
        """The standard variables that point a client here, credentials included."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": KEYS["ROOT_ACCESS_KEY"],
            "AWS_SECRET_ACCESS_KEY": KEYS["ROOT_SECRET_KEY"],
            "AWS_REGION": "us-east-1",
        }

    def _is_healthy(self) -> bool:
        if not self.program.running:
            raise RuntimeError(f"versitygw ended: {self.program.last_words()}")
        try:
            with urllib.request.urlopen(f"{self.endpoint}/health", timeout=1) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


@dataclass(frozen=True)
class Store:
    """A prefix of a bucket, empty at first."""

    uri: str
    environment: Mapping[str, str]
    gateway: Gateway

    @property
    def artifacts(self) -> Artifacts:
        """A connection of the test's own."""
        return Artifacts(open_store(self.uri, self.environment))

    @property
    def plain_environment(self) -> dict[str, str]:
        """Endpoint and region: what may stand in a profile."""
        return {n: self.environment[n] for n in ("AWS_ENDPOINT_URL", "AWS_REGION")}

    @property
    def credentials(self) -> dict[str, str]:
        """What belongs into a Secret."""
        return {n: v for n, v in self.environment.items() if n not in self.plain_environment}

    @contextmanager
    def down(self) -> Iterator[None]:
        """Connections are refused for the length of the block."""
        self.gateway.program.kill()
        try:
            yield
        finally:
            self.gateway.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Connections are accepted and nobody answers for the length of the block."""
        self.gateway.program.freeze()
        try:
            yield
        finally:
            self.gateway.program.thaw()
