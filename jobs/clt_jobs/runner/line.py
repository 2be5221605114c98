"""A line between rank 0 and another rank: small JSON messages, and the certainty of hanging up.

The kernel closes a line when the process at its other end dies, however it dies; a machine that
falls silent is noticed by keep-alive. That is how ranks hear of each other's end at once,
whatever library computes.
"""

import json
import select
import socket
import threading
from contextlib import suppress
from typing import Any

LONGEST = 1 << 16  # bytes of a message
SILENT_AFTER = 15  # seconds without a word before a line is tested, and between tests
TESTS = 3

Message = dict[str, Any]


class HungUp(ConnectionError):
    """The other end is gone."""


class Line:
    def __init__(self, connection: socket.socket) -> None:
        self._socket, self._rest = connection, b""
        self.early: list[Message] = []  # what came right behind an answer
        self._lock = threading.Lock()
        connection.setblocking(True)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (
            ("TCP_KEEPIDLE", SILENT_AFTER),
            ("TCP_KEEPINTVL", SILENT_AFTER),
            ("TCP_KEEPCNT", TESTS),
            ("TCP_USER_TIMEOUT", 1000 * SILENT_AFTER * (TESTS + 1)),
        ):
            if hasattr(socket, name):
                connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, **message: Any) -> None:
        """A line that broke is noticed by who reads it."""
        with self._lock, suppress(OSError):
            self._socket.sendall(json.dumps(message).encode() + b"\n")

    def read(self) -> list[Message]:
        """The complete messages of what has come; waits for something. Raises HungUp."""
        try:
            piece = self._socket.recv(LONGEST)
        except OSError as error:
            raise HungUp(str(error)) from error
        if not piece or len(self._rest) + len(piece) > 2 * LONGEST:
            raise HungUp("closed" if not piece else "a message is too long")
        *lines, self._rest = (self._rest + piece).split(b"\n")
        try:
            messages = [json.loads(line) for line in lines]
        except ValueError as error:
            raise HungUp("no message of ours") from error
        if not all(isinstance(message, dict) for message in messages):
            raise HungUp("no message of ours")
        return messages

    def answer(self, seconds: float) -> Message:
        """The next message, where it comes in time. Raises HungUp."""
        while not self.early:
            if not readable(self, seconds):
                raise HungUp("no answer")
            self.early = self.read()
        return self.early.pop(0)

    def close(self) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def readable(line: Line, seconds: float) -> bool:
    """Whether something has come in this time, or the end of the line."""
    return bool(select.select([line], [], [], seconds)[0])
