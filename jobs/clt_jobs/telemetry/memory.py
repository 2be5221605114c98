"""Memory of this process and of its GPU, read when somebody asks and never in between."""

import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from clt_operator.api.telemetry import MEMORY

_STATM = Path("/proc/self/statm")


class Memory(Collector):
    def collect(self) -> Iterator[GaugeMetricFamily]:
        family = GaugeMetricFamily(MEMORY.name, MEMORY.help, labels=MEMORY.labels)
        for state, amount in {**_process(), **_gpu(sys.modules.get("torch"))}.items():
            family.add_metric([state], amount)
        yield family


def _process() -> dict[str, float]:
    unit = 1 if sys.platform == "darwin" else 1024
    found = {"resident_peak": float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)}
    try:
        pages = int(_STATM.read_text().split()[1])
    except OSError:  # not Linux
        return found
    return {"resident": float(pages * os.sysconf("SC_PAGE_SIZE"))} | found


def _gpu(torch: Any) -> dict[str, float]:
    """Of the current device; nothing where no step has loaded or used one."""
    cuda = getattr(torch, "cuda", None)  # still being imported, perhaps
    if cuda is None or not cuda.is_initialized():
        return {}
    return {
        "allocated": float(cuda.memory_allocated()),
        "allocated_peak": float(cuda.max_memory_allocated()),
        "reserved": float(cuda.memory_reserved()),
    }
