"""A world on disk: a store, a scratch directory, and the probe kind installed as a plug-in."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clt_operator.store import open_store
from clt_operator.store.artifacts import Artifacts

HERE = Path(__file__).parent
PLUGIN = HERE / "plugin"
DEADLINE = 60.0  # seconds after which a condition that is waited for counts as missed

ENTRY_POINTS = """\
[clt.step_kinds]
probe = clt_probe_kind:probe
[clt.step_params]
probe = clt_probe_kind:ProbeParams
"""


@pytest.fixture(scope="session")
def plugin(tmp_path_factory) -> list[str]:
    """Import paths with which the probe kind is installed."""
    site = tmp_path_factory.mktemp("site")
    info = site / "clt_probe_kind-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: clt-probe-kind\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    return [str(site), str(PLUGIN)]


class World:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.trace, self.gate = root / "trace.txt", root / "gate"
        self.store = str(root / "store")
        self.artifacts = Artifacts(open_store(self.store))

    def step(self, name: str, *inputs: str, behaviour: tuple[str, ...] = (), **hints) -> dict:
        own = {"trace": str(self.trace), "gate": str(self.gate), "behaviour": list(behaviour)}
        return {"name": name, "inputs": list(inputs), "hints": own | hints}

    def spec(self, *steps: dict, **settings) -> dict:
        scratch = str(self.root / "scratch")
        return {"store": self.store, "scratch": scratch, "steps": list(steps), **settings}

    def run(self, *steps: dict, observer=None, **settings):
        return self.drive.run(self.spec(*steps, **settings), observer)

    def start(self, *steps: dict, **settings) -> subprocess.Popen[str]:
        """The driver as a process of its own."""
        path = self.root / "spec.json"
        path.write_text(json.dumps(self.spec(*steps, **settings)))
        command = [sys.executable, str(HERE / "drive.py"), str(path)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def key(self, steps: tuple[dict, ...], name: str) -> str:
        graph = self.drive.graph_of(list(steps))
        return next(s.key for s in graph if s.labels["name"] == name)

    def begun(self) -> list[str]:
        return self.trace.read_text().split() if self.trace.exists() else []

    def outcomes(self, key: str) -> list[str | None]:
        return [s.outcome.outcome if s.outcome else None for s in self.artifacts.attempts(key)]

    def children(self) -> list[int]:
        """Runners that work on this world's store."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes().decode(errors="replace")
                state = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
            except OSError:
                continue
            if "clt_jobs.runner" in command and str(self.root) in command and state != "Z":
                found.append(int(folder.name))
        return found

    def kill_children(self) -> None:
        for pid in self.children():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def eventually(condition, what: str):
    """Waits for a condition of another process; fails with ``what`` when it does not come."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.01)
    raise AssertionError(f"did not happen: {what}")


@pytest.fixture
def world(tmp_path, plugin, monkeypatch):
    for path in plugin:
        monkeypatch.syspath_prepend(path)
    before = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([*plugin, *([before] if before else [])]))
    made = World(tmp_path)
    spec = importlib.util.spec_from_file_location("drive", HERE / "drive.py")
    made.drive = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made.drive)
    made.eventually = eventually
    yield made
    made.kill_children()
