"""A containerd of a node's own: its directories, its socket, its images.

The images stay between runs below ``images``; containers of an earlier run are forgotten.
"""

import json
import shutil
import subprocess
from pathlib import Path

from cluster.harness.processes import Program
from cluster.harness.waiting import until
from e2e.harness import cgroups

START_SECONDS = 30
IMPORT_SECONDS = 900
CRI = "io.containerd.grpc.v1.cri"
PAUSE = "localhost/pause:e2e"

CONFIG = """\
version = 2
root = "{root}"
state = "{run}/state"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs",
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

    def __init__(self, run: Path, images: Path, cni: Path) -> None:
        self.socket = run / "containerd.sock"
        self._images = images
        images.mkdir(parents=True, exist_ok=True)
        config = run / "containerd.toml"
        text = CONFIG.format(root=images, run=run, socket=self.socket, cni=cni, pause=PAUSE)
        config.write_text(text)
        self.program = Program("containerd", ["containerd", "--config", str(config)], run)

    def start(self) -> None:
        self._start()
        if self._forget():
            self.program.stop()
            for kind in ("containers", "sandboxes"):
                shutil.rmtree(self._images / CRI / kind, ignore_errors=True)
            self._start()

    def load(self, archive: Path) -> None:
        """Imports an OCI archive, unless this very file was imported before."""
        record = self._images / "imported.json"
        known = json.loads(record.read_text()) if record.exists() else {}
        about = archive.stat()
        mark = [about.st_size, about.st_mtime_ns]
        if known.get(str(archive)) == mark:
            return
        self._ctr("images", "import", str(archive))
        record.write_text(json.dumps({**known, str(archive): mark}))

    def images(self) -> list[str]:
        """Names of the images that are there."""
        return self._ctr("images", "list", "-q").split()

    def _forget(self) -> bool:
        """Removes containers of an earlier run, which have ended with it; whether there were any.
        A kubelet would take them for strangers of its own."""
        left = self._ctr("containers", "list", "-q").split()
        if left:
            self._ctr("containers", "delete", *left)
        return bool(left)

    def _start(self) -> None:
        self.program.start()
        cgroups.join(self.program.pid, "system")
        until(self._answers, START_SECONDS, what="containerd answers")

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
