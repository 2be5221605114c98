"""A program of the cluster as a process: its id is known, its output kept, it can be frozen."""

import os
import random
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

LAST_WORDS = 3000  # characters of the output that an error quotes
LOWEST_PORT, HIGHEST_PORT = 20000, 29999


class Program:
    """Starts with ``start``; may be started again after it ended. Not thread-safe."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        directory: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name, self.command = name, list(command)
        self.log = directory / f"{name}.log"
        self._directory, self._environment = directory, environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the process that was started last."""
        assert self._process is not None, f"{self.name} was never started"
        return self._process.pid

    @property
    def code(self) -> int | None:
        """The exit code; None while it runs, or before its first start."""
        return self._process.poll() if self._process else None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """In a session of its own: an interrupt at the terminal reaches the tests alone, which
        then stop what they started."""
        if self.running:
            return
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=self._directory,
                env=None if self._environment is None else dict(self._environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def signal(self, number: signal.Signals) -> None:
        """To this process alone; nothing where it has ended."""
        if self.running:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def freeze(self) -> None:
        """Stops it where it stands: connections stay open and nobody answers."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.signal(signal.SIGCONT)

    def kill(self) -> None:
        """At once, without a chance to clean up."""
        if self._process is not None:
            self.signal(signal.SIGKILL)
            self._process.wait()

    def stop(self, seconds: float = 10) -> None:
        """Politely first; also where it is frozen."""
        if self._process is None:
            return
        self.signal(signal.SIGTERM)
        self.thaw()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def last_words(self) -> str:
        """The end of what it printed."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return text[-LAST_WORDS:]


def free_port() -> int:
    """A loopback port below those that outgoing connections get: a server that is down for a
    while must find its port free again, and a client that calls it must not reach itself."""
    for port in random.sample(range(LOWEST_PORT, HIGHEST_PORT), 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError(f"no port between {LOWEST_PORT} and {HIGHEST_PORT} is free")
