"""The commands that docs mark for a cluster run there as they are written, in their order."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cluster.test_cli import RULES
from support.fences import blocks
from support.small_example import small_example

ROOT = Path(__file__).parents[2]
SECONDS = 240  # for one block
PAGES = [
    path
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    if any(block.on_cluster for block in blocks(path, ROOT))
]


def test_there_are_pages_to_follow():
    assert ROOT / "docs/how-to/run-on-a-cluster.md" in PAGES


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_commands_of_a_page_run_on_a_cluster(
    path, cluster, namespace, operator, stub, store, tmp_path
):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "examples/quickstart.yaml").write_text(small_example(), encoding="utf-8")
    hidden = ("AWS_", "KUBE", "CLT_")
    own = {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
    environment = {
        **own,
        **store.environment,
        "PATH": f"{Path(sys.executable).parent}:{own['PATH']}",
        "KUBECONFIG": str(cluster.account(namespace, "reader", rules=RULES)),
        "CLT_SYSTEM_NAMESPACE": namespace,
        "STORE": store.uri,
    }
    for block in blocks(path, ROOT):
        if block.on_cluster:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", block.text],
                cwd=tmp_path,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
            assert done.returncode == 0, f"{block}\n{block.text}\n{done.stdout}\n{done.stderr}"
