"""A containerd of a node's own: its directories, its socket, its images.

Images are unpacked once, by a containerd that runs nothing, and stay between runs. Each node of
a run has a copy that costs no space: files are linked, only the databases are its own. Layers
are never written to, a container has one of its own above them.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cluster.harness.processes import Program
from cluster.harness.waiting import until
from e2e.harness import cgroups

START_SECONDS = 30
IMPORT_SECONDS = 900
CRI = "io.containerd.grpc.v1.cri"
RECORD = "imported.json"
PAUSE = "localhost/pause:e2e"

CONFIG = """\
version = 2
root = "{root}"
state = "{run}/state"
disabled_plugins = [{disabled}"io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.devmapper"]
[grpc]
address = "{socket}"
[ttrpc]
address = "{socket}.ttrpc"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
disable_apparmor = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "{cni}"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false
Root = "{run}/runc"
"""


class Containerd:
    """``start`` answers when it takes requests."""

    def __init__(self, run: Path, images: Path, cni: Path, *, disabled: str = "") -> None:
        self.socket = run / "containerd.sock"
        self._images = images
        images.mkdir(parents=True, exist_ok=True)
        config = run / "containerd.toml"
        text = CONFIG.format(
            root=images, run=run, socket=self.socket, cni=cni, pause=PAUSE, disabled=disabled
        )
        config.write_text(text)
        self.program = Program("containerd", ["containerd", "--config", str(config)], run)

    def start(self) -> None:
        self.program.start()
        cgroups.join(self.program.pid, "system")
        until(self._answers, START_SECONDS, what="containerd answers")

    def load(self, archive: Path) -> None:
        """Imports and unpacks an archive, in place of images of the same name."""
        self._ctr("images", "import", str(archive))

    def images(self) -> list[str]:
        """Names of the images that are there."""
        return self._ctr("images", "list", "-q").split()

    def _answers(self) -> bool:
        if not self.program.running:
            raise RuntimeError(f"containerd ended: {self.program.last_words()}")
        try:
            self._ctr("version")
        except RuntimeError:
            return False
        return True

    def _ctr(self, *arguments: str) -> str:
        command = ["ctr", f"--address={self.socket}", "--namespace=k8s.io", *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=IMPORT_SECONDS, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout


def unpack(run: Path, base: Path, archives: Mapping[str, Path]) -> None:
    """Unpacks below ``base`` those archives that are new."""
    marks = {name: [str(path), path.stat().st_mtime_ns] for name, path in archives.items()}
    if _read(base) != marks:
        known = _read(base)
        loader = Containerd(run, base, run, disabled=f'"{CRI}", ')
        loader.start()
        for name, path in archives.items():
            if known.get(name) != marks[name]:
                loader.load(path)
        loader.program.stop()
        (base / RECORD).write_text(json.dumps(marks))


def copy(base: Path, images: Path) -> None:
    """A node's own copy of all that is unpacked."""
    shutil.copytree(base, images, symlinks=True, copy_function=_link)


def _read(base: Path) -> dict[str, Any]:
    record = base / RECORD
    return dict(json.loads(record.read_text())) if record.exists() else {}


def _link(source: str, target: str) -> None:
    """Databases are written to; all else is only read."""
    if source.endswith(".db"):
        shutil.copy2(source, target)
    else:
        os.link(source, target, follow_symlinks=False)
