"""What the runner sets where the driver did not: threads, and no way to the hub.

Thread counts are part of the runtime contract: the same step gives the same bytes on one kind
of CPU. Only ``fetch`` reaches a hub.
"""

import os
from collections.abc import Mapping
from typing import Any

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE", "TRANSFORMERS_OFFLINE")


def pin_environment(kind: str, hints: Mapping[str, Any]) -> None:
    """Only what is loaded afterwards sees it: call this before a step's imports."""
    for name in THREADS:
        os.environ.setdefault(name, str(hints.get("threads", 1)))
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if kind != "fetch":
        for name in OFFLINE:
            os.environ.setdefault(name, "1")
