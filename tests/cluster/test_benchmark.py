"""The benchmark of the control plane still runs: a tenth of it, once, figures aside."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from cluster.harness.binaries import built_or_skipped
from services import versitygw

ROOT = Path(__file__).parents[2]
PARTS = {"idle", "working", "queue", "run", "restart", "grow"}


@pytest.mark.slow_fault
def test_the_benchmark_measures_every_part_and_the_operator_writes_nothing_when_idle(tmp_path):
    built_or_skipped()
    versitygw.built_or_skipped()
    command = [sys.executable, ROOT / "benchmarks" / "control_plane.py", tmp_path / "quick"]
    done = subprocess.run([*command, "--quick"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-6000:]
    found = json.loads((tmp_path / "quick.json").read_text())
    assert set(found) == PARTS
    for around in ("idle", "working", "queue"):
        assert min(min(row["whole"]) for row in found[around]["figures"].values()) > 0
    restart = found["restart"]["figures"]
    assert not any(restart["writes"] + restart["complete_writes"]), restart
    assert restart["resync_writes"] == 0
    assert found["grow"]["figures"]["status"] < 64 * 1024
    assert "## 1,000 steps ready at once" in (tmp_path / "quick.md").read_text()
