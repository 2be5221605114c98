"""Buildah with a storage of its own in the cache: nothing of it lies in the system's places.

The machine's certificates, pip and uv configuration and uv's cache are mounted while an image is
built, and none of them stays in it.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from cluster.harness.binaries import CannotBuild

BUILD_SECONDS = 3600
CERTIFICATES = Path("/etc/ssl/certs")
CACHE = "/var/cache/uv"  # where images/build/install.sh looks for it
CONFIGURATIONS = {
    "pip": (Path.home() / ".config/pip/pip.conf", Path("/etc/pip.conf")),
    "uv": (Path.home() / ".config/uv/uv.toml", Path("/etc/uv/uv.toml")),
}


class Buildah:
    """Calls of buildah; ``directory`` holds its layers, its state and what it unpacks."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        for name in ("root", "run", "tmp"):
            (directory / name).mkdir(parents=True, exist_ok=True)
        self._driver = "overlay" if self._works("overlay") else "vfs"

    def build(self, context: Path, dockerfile: Path, tag: str, **arguments: str) -> None:
        """The image that a Dockerfile describes; its layers are kept for the next build."""
        options = [f"--build-arg={name}={value}" for name, value in sorted(arguments.items())]
        self(
            "bud", "--pull=never", "--layers", "--isolation=chroot", *_mounted(), *options,
            "--file", str(dockerfile), "--tag", tag, str(context),
        )  # fmt: skip

    def from_scratch(self, tag: str, files: Mapping[str, Path], *config: str) -> None:
        """An image of these files alone, by their place in it; ``config`` as buildah takes it."""
        container = self("from", "scratch")
        try:
            for place, source in files.items():
                self("add", "--quiet", container, str(source), place)
            self("config", *config, container)
            self("commit", "--quiet", container, tag)
        finally:
            self("rm", container)

    def exists(self, tag: str) -> bool:
        return bool(self("images", "--quiet", "--filter", f"reference={tag}"))

    def export(self, tag: str, archive: Path) -> None:
        """An OCI archive of an image. Zstandard is the quickest for gigabytes: less is written
        than without compression, and gzip takes longer than the disk."""
        self(
            "push", "--quiet", "--compression-format=zstd", "--compression-level=1",
            tag, f"oci-archive:{archive}:{tag}",
        )  # fmt: skip

    def prune(self) -> None:
        """Removes layers that no image has any more."""
        self("rmi", "--prune", "--force")

    def __call__(self, *arguments: str) -> str:
        """What buildah prints. Raises CannotBuild."""
        done = self._run(self._driver, *arguments)
        if done.returncode:
            said = f"{done.stdout}\n{done.stderr}".strip()
            raise CannotBuild(f"buildah {' '.join(arguments)}: {said[-4000:]}")
        return done.stdout.strip()

    def _works(self, driver: str) -> bool:
        return not self._run(driver, "info").returncode

    def _run(self, driver: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        program = shutil.which("buildah")
        if program is None:
            raise CannotBuild("buildah is not installed: apt-get install buildah")
        places = [f"--root={self._directory / 'root'}", f"--runroot={self._directory / 'run'}"]
        return subprocess.run(
            [program, *places, f"--storage-driver={driver}", *arguments],
            env={**os.environ, "TMPDIR": str(self._directory / "tmp")},
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )


def _mounted() -> list[str]:
    options = []
    if CERTIFICATES.is_dir():
        options.append(f"--volume={CERTIFICATES}:{CERTIFICATES}:ro")
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    cache = Path(os.environ.get("UV_CACHE_DIR") or caches / "uv")
    if (cache / "CACHEDIR.TAG").exists():
        options.append(f"--volume={cache}:{CACHE}")
    for name, places in CONFIGURATIONS.items():
        if found := next((place for place in places if place.exists()), None):
            options.append(f"--secret=id={name},src={found}")
    return options
