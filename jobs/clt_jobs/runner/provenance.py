"""Where and with what a result was made: recorded beside it, never part of its key."""

import os
import platform
import resource
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from clt_operator.api.times import now

RECORDED = (
    "torch",
    "transformers",
    "tokenizers",
    "accelerate",
    "peft",
    "datasets",
    "numpy",
    "pyarrow",
    "sacrebleu",
    "num2words",
)


def provenance(
    *, holder: str, started_at: str, resumed_from: str, world: dict[str, Any]
) -> dict[str, Any]:
    """Versions of what the step loaded, the machine, the threads, the image, times, memory."""
    loaded = {name: _version(name) for name in RECORDED if name in sys.modules}
    return {
        "clt": _version("clt"),
        "python": platform.python_version(),
        "packages": loaded,
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpu": _cpu(),
        "threads": int(os.environ.get("OMP_NUM_THREADS", "0") or 0),
        "image": os.environ.get("CLT_IMAGE", ""),
        "holder": holder,
        "resumed_from": resumed_from,
        "world": world,  # processes that worked together, on how many nodes, over what
        "started_at": started_at,
        "ended_at": now(),
        "peak_memory_bytes": _peak_memory(),
    }


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"


def _cpu() -> str:
    """The processor's model: the same step gives the same bytes on one kind of CPU."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def _peak_memory() -> int:
    """Of this process so far, all its steps together."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
