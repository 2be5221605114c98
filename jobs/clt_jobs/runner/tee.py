"""Keeps what a step prints while it also goes where it went before, without its secrets.

Works on file descriptors, so that what libraries and child processes print is kept, too. The
reader never stops reading: a full disk loses lines of the log, counted, never the step.
"""

import os
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TextIO

from clt_operator.api.redaction import Redact

STDOUT, STDERR = 1, 2
LONGEST_LINE = 1 << 16  # bytes; longer ones are cut into pieces
KEPT_HEAD, KEPT_TAIL = 1 << 20, 7 << 20  # bytes of a log that are shipped
DRAIN_SECONDS = 2.0  # a child that outlives its step may hold the pipe open


class Tee:
    """While open, stdout and stderr are copied, redacted line by line, to ``path``."""

    def __init__(self, path: Path, redact: Redact) -> None:
        self._path, self._redact = path, redact
        self._lost = 0  # bytes that could not be kept

    def __enter__(self) -> "Tee":
        _flush()
        self._out, self._err = os.dup(STDOUT), os.dup(STDERR)
        self._file = os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        source, sink = os.pipe()
        os.dup2(sink, STDOUT)
        os.dup2(sink, STDERR)
        os.close(sink)
        self._streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = _by_line(STDOUT), _by_line(STDERR)
        self._reader = threading.Thread(target=self._copy, args=(source,), daemon=True)
        self._reader.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        _flush()
        sys.stdout, sys.stderr = self._streams
        os.dup2(self._out, STDOUT)
        os.dup2(self._err, STDERR)
        os.close(self._err)
        self._reader.join(DRAIN_SECONDS)
        if not self._reader.is_alive():
            os.close(self._out)
            os.close(self._file)

    def kept(self) -> bytes:
        """The log so far, its middle left out where it is very long."""
        with self._path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            if size <= KEPT_HEAD + KEPT_TAIL:
                text = file.read()
            else:
                head = file.read(KEPT_HEAD)
                file.seek(size - KEPT_TAIL)
                left_out = size - KEPT_HEAD - KEPT_TAIL
                text = head + f"\n[{left_out} bytes left out]\n".encode() + file.read()
        return text + (f"[{self._lost} bytes lost: disk full]\n".encode() if self._lost else b"")

    @property
    def size(self) -> int:
        return self._path.stat().st_size

    def _copy(self, source: int) -> None:
        waiting = b""
        while piece := os.read(source, LONGEST_LINE):
            *lines, waiting = (waiting + piece).split(b"\n")
            for line in lines:
                self._write(line + b"\n")
            if len(waiting) >= LONGEST_LINE:
                self._write(waiting)
                waiting = b""
        if waiting:
            self._write(waiting + b"\n")
        os.close(source)

    def _write(self, line: bytes) -> None:
        clean = self._redact(line.decode(errors="replace")).encode()
        with suppress(OSError):  # nobody listens any more
            _write_all(self._out, clean)
        try:
            _write_all(self._file, clean)
        except OSError:
            self._lost += len(clean)


def _by_line(descriptor: int) -> TextIO:
    """A stream that writes each line at once, in UTF-8 whatever the locale."""
    return open(
        descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
    )


def _write_all(target: int, data: bytes) -> None:
    while data:
        data = data[os.write(target, data) :]


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
