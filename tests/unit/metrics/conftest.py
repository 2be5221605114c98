"""The study's own data files, where this machine has them: tests of them are skipped elsewhere."""

import os
from pathlib import Path

import pytest

BESIDE = Path(__file__).parents[4] / "shared" / "data"


@pytest.fixture
def data_root() -> Path:
    """The directory that CLT_DATA names, or ``shared/data`` beside the tree."""
    root = Path(os.environ.get("CLT_DATA", BESIDE))
    if not (root / "mgsm").is_dir():
        pytest.skip("the study's data files are not here")
    return root
