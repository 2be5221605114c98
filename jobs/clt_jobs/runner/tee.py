"""Keeps what a step prints, also when its process dies, and shows it where it went before.

Stdout and stderr go straight to a file, so that the last words before a crash are there for
whoever finds the file; a thread mirrors the file, redacted line by line, to the old stdout.
Works on descriptors: what libraries and child processes print is kept, too. The file itself
holds secrets as printed: it is private, lives in the scratch folder, and only ``kept`` leaves.
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
MIRROR_SECONDS = 0.5  # how far the mirror may be behind
PIECE = 1 << 16  # bytes read at once; a longer line is mirrored in pieces
KEPT_HEAD, KEPT_TAIL = 1 << 20, 7 << 20  # bytes of a log that are shipped


class Tee:
    """While open, stdout and stderr are written to ``path`` and mirrored."""

    def __init__(self, path: Path, redact: Redact) -> None:
        self._path, self._redact = path, redact
        self._ended = threading.Event()
        self._waiting = b""  # the beginning of a line that is not complete

    def __enter__(self) -> "Tee":
        _flush()
        self._out, self._err = os.dup(STDOUT), os.dup(STDERR)
        file = os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        os.dup2(file, STDOUT)
        os.dup2(file, STDERR)
        os.close(file)
        self._streams = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = _by_line(STDOUT), _by_line(STDERR)
        self._mirror = threading.Thread(target=self._run, daemon=True, name="mirror")
        self._mirror.start()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """What ``__exit__`` does; also for a thread that ends the process."""
        _flush()
        sys.stdout, sys.stderr = self._streams
        os.dup2(self._out, STDOUT)
        os.dup2(self._err, STDERR)
        os.close(self._err)
        self._ended.set()
        self._mirror.join()
        os.close(self._out)

    def kept(self) -> bytes:
        """The log so far, redacted, its middle left out where it is very long."""
        with self._path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(0)
            if size <= KEPT_HEAD + KEPT_TAIL:
                return self._clean(file.read())
            head = file.read(KEPT_HEAD)
            file.seek(size - KEPT_TAIL)
            left_out = size - KEPT_HEAD - KEPT_TAIL
            said = f"\n[{left_out} bytes left out]\n".encode()
            return self._clean(head) + said + self._clean(file.read())

    @property
    def size(self) -> int:
        return self._path.stat().st_size

    def _run(self) -> None:
        with self._path.open("rb", buffering=0) as source:
            while not self._ended.wait(MIRROR_SECONDS):
                self._copy(source.fileno())
            self._copy(source.fileno())
        self._show(self._waiting)

    def _copy(self, source: int) -> None:
        while piece := os.read(source, PIECE):
            lines, _, self._waiting = (self._waiting + piece).rpartition(b"\n")
            self._show(lines + b"\n" if lines else b"")
            if len(self._waiting) >= PIECE:
                self._show(self._waiting)
                self._waiting = b""

    def _show(self, text: bytes) -> None:
        clean = self._clean(text)
        with suppress(OSError):  # nobody listens any more, or the disk is full
            while clean:
                clean = clean[os.write(self._out, clean) :]

    def _clean(self, text: bytes) -> bytes:
        return self._redact(text.decode(errors="replace")).encode()


def _by_line(descriptor: int) -> TextIO:
    """A stream that writes each line at once, in UTF-8 whatever the locale."""
    return open(
        descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
    )


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
