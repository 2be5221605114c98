"""A real Prometheus: its programs are those of the machine, it is asked through its HTTP API.

Debian and Ubuntu have it as package ``prometheus`` (``make e2e-packages`` installs it). Where a
program is missing, tests that need it are skipped with the reason, or fail where CI is set.
"""

import os
import shutil
from pathlib import Path

import pytest


def program_or_skipped(name: str) -> Path:
    """``prometheus`` or ``promtool``."""
    found = shutil.which(name)
    if found:
        return Path(found)
    reason = f"{name} is not installed: apt-get install prometheus"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)
