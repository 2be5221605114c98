"""The base of our images where no registry can be reached: a small Debian with Python.

It has the name that the Dockerfiles give theirs, and is as slim: no documents, no package lists.
"""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

from cluster.harness.binaries import CannotBuild
from e2e.harness.buildah import Buildah

SUITE = "bookworm"
PACKAGES = ("ca-certificates", "python3", "python3-venv")
REMOVED = (
    "usr/share/doc/*",
    "usr/share/info/*",
    "usr/share/locale/*",
    "usr/share/man/*",
    "var/cache/apt/*",
    "var/lib/apt/lists/*",
    "var/log/*",
)
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEBOOTSTRAP_SECONDS = 1800
NAMED = re.compile(r"^ARG PYTHON_BASE=(\S+)$", re.MULTILINE)

DIGEST = hashlib.sha256(repr((SUITE, PACKAGES, REMOVED, PATH)).encode()).hexdigest()[:16]


def named_in(dockerfile: Path) -> str:
    """The base that a Dockerfile names."""
    found = NAMED.search(dockerfile.read_text())
    if found is None:
        raise LookupError(f"{dockerfile} names no base: ARG PYTHON_BASE=…")
    return found[1]


def make(buildah: Buildah, name: str, scratch: Path) -> bool:
    """Makes the base under this name, unless it is there; whether it was made."""
    made = f"localhost/base:{DIGEST}"
    new = not buildah.exists(made)
    if new:
        root = scratch / "base"
        try:
            _debootstrap(root)
            config = (f"--env=PATH={PATH}", "--cmd=python3")
            buildah.from_scratch(made, {"/": root}, *config)
        finally:
            shutil.rmtree(root, ignore_errors=True)
    buildah("tag", made, f"localhost/{name}")
    return new


def _debootstrap(root: Path) -> None:
    program = shutil.which("debootstrap", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if program is None:
        raise CannotBuild("debootstrap is not installed: apt-get install debootstrap")
    shutil.rmtree(root, ignore_errors=True)
    wanted = ["--variant=minbase", f"--include={','.join(PACKAGES)}", SUITE, str(root)]
    done = subprocess.run(
        [program, *wanted],
        capture_output=True,
        text=True,
        timeout=DEBOOTSTRAP_SECONDS,
        check=False,
    )
    if done.returncode:
        raise CannotBuild(f"debootstrap {' '.join(wanted)}: {done.stdout[-2000:]}")
    for pattern in REMOVED:
        for path in root.glob(pattern):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
