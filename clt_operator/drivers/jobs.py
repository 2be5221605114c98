"""Local Jobs: a process, its keys, and a folder that outlives the driver.

Each Job has a folder below the driver's scratch directory:

    job.json      who runs it (holder), for which driver, with which keys
    hints.json    the hints of its steps, as this graph has them
    output.log    what the process printed
    work/         the runner's own scratch

A driver that is killed leaves its children running: they finish and commit. The next driver
finds their folders and waits for them instead of starting the same steps again.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clt_operator.api.holder import LocalHolder
from clt_operator.drivers.nursery import Forked, Nursery
from clt_operator.drivers.process import (
    identify,
    is_alive,
    oom_kills,
    open_pidfd,
    this_host,
    this_process,
)

RECORD, HINTS, OUTPUT, WORK = "job.json", "hints.json", "output.log", "work"
UNRECORDED_SECONDS = 3600.0  # a folder without a record may belong to a process just starting
KEPT_OUTPUT = 1 << 20  # bytes of a dead process's output that are shipped


@dataclass
class Job:
    """A process that runs steps. ``process`` is None where another driver started it."""

    keys: tuple[str, ...]
    holder: LocalHolder
    folder: Path
    process: subprocess.Popen[bytes] | Forked | None = None
    ours: bool = True  # to be stopped with this driver
    pidfd: int | None = None
    left: list[str] = field(default_factory=list)  # keys that have not ended, in order
    oom_kills: int = 0  # of the machine, when the Job started

    def __post_init__(self) -> None:
        self.left = list(self.keys)
        self.pidfd = open_pidfd(self.holder.pid)

    def ended(self) -> bool:
        if self.process is not None:
            return self.process.poll() is not None
        return not is_alive(self.holder)

    def signal(self, number: signal.Signals) -> None:
        """To the process and all that it started."""
        if not self.ended():
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.holder.pid, number)

    def output(self, key: str, attempt: int) -> bytes:
        """The last of what an attempt and its process printed; not redacted.

        The runner keeps the log of each attempt in its scratch (``clt_jobs.runner.attempt``);
        what only the process printed, such as a crash, follows it.
        """
        step = _end_of(self.folder / WORK / f"{key[:16]}-{attempt:04d}" / "log.txt").splitlines()
        known = set(step)
        rest = [line for line in _end_of(self.folder / OUTPUT).splitlines() if line not in known]
        return b"".join(line + b"\n" for line in [*step, *rest])

    def let_go(self) -> None:
        """Stops watching; the process and its folder stay as they are."""
        if self.pidfd is not None:
            os.close(self.pidfd)
            self.pidfd = None

    def close(self) -> None:
        """Of a process that has ended."""
        self.let_go()
        shutil.rmtree(self.folder, ignore_errors=True)


def start(
    folder: Path,
    store: str,
    keys: tuple[str, ...],
    hints: Mapping[str, Mapping[str, Any]],
    environment: Mapping[str, str],
    *,
    nursery: Nursery | None = None,
) -> Job:
    """Starts a runner in a session of its own, so that the terminal's signals pass it by.

    With a nursery (which has the environment already) it is forked there.
    """
    folder.mkdir(parents=True)
    (folder / HINTS).write_text(json.dumps(hints, default=str))
    arguments = ["--store", store, "--scratch", str(folder / WORK)]
    arguments += ["--hints", str(folder / HINTS), *keys]
    forked = nursery.start(folder, arguments) if nursery else None
    process = forked or _spawn(folder, arguments, environment)
    job = Job(keys, identify(process.pid), folder, process, oom_kills=oom_kills())
    record = {"holder": str(job.holder), "driver": str(this_process()), "keys": keys}
    partial = folder / f"{RECORD}.partial"
    partial.write_text(json.dumps(record))
    partial.replace(folder / RECORD)
    return job


def _spawn(
    folder: Path, arguments: list[str], environment: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    with (folder / OUTPUT).open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "clt_jobs.runner", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=dict(environment),
            start_new_session=True,
        )


def find(scratch: Path) -> tuple[list[Job], list[Job]]:
    """Jobs that other drivers started below this scratch directory: those whose process is
    alive, and those that are dead and whose driver is dead, too."""
    alive: list[Job] = []
    dead: list[Job] = []
    for folder in sorted(scratch.glob("*/")):
        record = _read_record(folder)
        if record is None:
            _sweep(folder)
            continue
        holder, driver, keys = record
        orphan = not is_alive(driver)
        if is_alive(holder):
            alive.append(Job(keys, holder, folder, ours=orphan))
        elif orphan:
            dead.append(Job(keys, holder, folder))
    return alive, dead


def _read_record(folder: Path) -> tuple[LocalHolder, LocalHolder, tuple[str, ...]] | None:
    """Holder, driver and keys; None where the record is not there or of another host."""
    try:
        record = json.loads((folder / RECORD).read_text())
        holder, driver = LocalHolder.parse(record["holder"]), LocalHolder.parse(record["driver"])
        keys = tuple(map(str, record["keys"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if holder is None or driver is None or holder.host != this_host():
        return None
    return holder, driver, keys


def _end_of(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - KEPT_OUTPUT))
            return file.read()
    except OSError:
        return b""


def _sweep(folder: Path) -> None:
    """Removes a folder without a record once nobody can be about to write it."""
    with suppress(OSError):
        if time.time() - folder.stat().st_mtime > UNRECORDED_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def environment(
    base: Mapping[str, str], kind: str, threads: int, extra: Mapping[str, str]
) -> dict[str, str]:
    """The environment of a Job: threads pinned; no hub, and no token for it, except for fetch."""
    made = dict(base)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        made[name] = str(threads)
    made |= {"TOKENIZERS_PARALLELISM": "false", "PYTHONHASHSEED": "0", "PYTHONUNBUFFERED": "1"}
    if kind != "fetch":
        made |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
        for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
            made.pop(name, None)
    return made | dict(extra)
