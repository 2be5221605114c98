"""Public data, where this machine has it: tests that need it are skipped elsewhere."""

import os
from pathlib import Path

import pytest


@pytest.fixture
def data_root() -> Path:
    """The directory that CLT_TEST_DATA names (MGSM below ``mgsm/``)."""
    root = Path(os.environ.get("CLT_TEST_DATA", "."))
    if not (root / "mgsm").is_dir():
        pytest.skip("CLT_TEST_DATA names no directory with mgsm/")
    return root
