"""Runs a command several times and says how long it took and how much memory it needed."""

import os
import platform
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parents[1]
CLTCTL = Path(sys.executable).parent / "cltctl"


@dataclass(frozen=True)
class Measured:
    """Seconds of every run by the wall clock and of the processor, and the largest resident
    memory of any, in MiB."""

    seconds: list[float]
    busy: list[float]
    peak: float

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        low, high = min(self.seconds), max(self.seconds)
        busy = statistics.median(self.busy)
        return f"{self.median:.2f} s ({low:.2f} to {high:.2f}) | {busy:.2f} s | {self.peak:.0f} MiB"


def measure(words: list[str], runs: int) -> Measured:
    """Raises CalledProcessError where a run fails."""
    seconds, busy, peak = [], [], 0.0
    for _ in range(runs):
        begun = time.perf_counter()
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds.append(time.perf_counter() - begun)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, words)
        busy.append(usage.ru_utime + usage.ru_stime)
        peak = max(peak, usage.ru_maxrss / 1024)
    return Measured(seconds, busy, peak)


def conditions() -> str:
    """Date, commit, versions and machine, as one paragraph."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    load = os.getloadavg()[0]
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit}; Python {platform.python_version()}, "
        f"pydantic {version('pydantic')}, PyYAML {version('pyyaml')}, typer {version('typer')}; "
        f"{os.cpu_count()} cores ({model}), load {load:.1f} at the end."
    )
