"""The driver's end of a nursery: a process with the model libraries loaded, to fork Jobs from.

Only where it is safe: on Linux, and where no NVIDIA device is (a process that has looked at
one must not be forked). Elsewhere, and where a nursery fails, Jobs start as new processes.
"""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from clt_operator.api.holder import LocalHolder
from clt_operator.drivers.process import identify, is_alive

KINDS = frozenset({"train", "generate", "likelihood"})  # those that load models
EXIT = "exit"  # written by the nursery into a Job's folder when its process ended


def is_safe() -> bool:
    return (
        sys.platform == "linux"
        and hasattr(os, "pidfd_open")
        and not Path("/dev/nvidiactl").exists()
    )


class Forked:
    """A Job's process whose parent is the nursery; ``poll`` and ``returncode`` as of Popen."""

    def __init__(self, pid: int, folder: Path, nursery: "Nursery") -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._holder: LocalHolder = identify(pid)
        self._folder, self._nursery = folder, nursery

    def poll(self) -> int | None:
        """The exit code once the process has ended; that of a kill where nobody waited for it."""
        if self.returncode is None and not is_alive(self._holder):
            try:
                self.returncode = int((self._folder / EXIT).read_text())
            except (OSError, ValueError):
                if not self._nursery.alive:
                    self.returncode = -signal.SIGKILL
        return self.returncode


class Nursery:
    """Starts at once; the libraries load while other steps run."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "clt_jobs.runner.nursery"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=dict(environment),
                start_new_session=True,
            )

        self._ready = False

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def wait_ready(self, seconds: float) -> bool:
        """Whether the libraries are loaded, or the nursery is gone (Jobs then start as usual)."""
        if not self._ready and self.alive and self._process.stdout is not None:
            if not select.select([self._process.stdout], [], [], seconds)[0]:
                return False
            self._process.stdout.readline()
        self._ready = True
        return True

    def start(self, folder: Path, arguments: Sequence[str]) -> Forked | None:
        """A runner with these arguments; None where the nursery is gone."""
        request = json.dumps({"folder": str(folder), "arguments": list(arguments)}) + "\n"
        pipe, answers = self._process.stdin, self._process.stdout
        if pipe is None or answers is None:
            return None
        try:
            pipe.write(request.encode())
            pipe.flush()
            return Forked(json.loads(answers.readline())["pid"], folder, self)
        except (OSError, ValueError):
            return None

    def close(self) -> None:
        """Ends the nursery at once, not its children: it holds nothing that could be lost."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()
