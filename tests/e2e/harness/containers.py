"""A container of an image by itself, run by runc without Kubernetes: as restricted as a pod is.

The root is read-only, nobody is root, there are no capabilities and no network; only what is
mounted can be written: a working directory and /tmp of its own, and what the caller gives.
"""

import json
import shutil
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.harness.buildah import Buildah

RUN_SECONDS = 120
NOTHING: dict[str, list[str]] = {
    kind: [] for kind in ("bounding", "effective", "permitted", "inheritable", "ambient")
}


@dataclass(frozen=True)
class Image:
    """An image whose files are mounted at ``root``; ``config`` is what OCI calls that."""

    root: Path
    config: dict[str, Any]
    size: int  # bytes of all layers, unpacked
    bundles: Path

    def start(
        self,
        *arguments: str,
        command: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        mounts: Mapping[Path, str] | None = None,
    ) -> "Container":
        """Runs its entry point with these arguments, or a command; ``mounts`` can be written."""
        name = f"clt-{uuid.uuid4().hex[:12]}"
        bundle = self.bundles / name
        bundle.mkdir(parents=True)
        run = [*command] if command else [*self.config["Entrypoint"], *arguments]
        spec = _spec(bundle, self, run, environment or {}, mounts or {})
        (bundle / "config.json").write_text(json.dumps(spec))
        return Container(name, bundle)

    def run(self, *command: str, **options: Any) -> str:
        """What a command prints. Raises AssertionError where it fails."""
        container = self.start(command=command, **options)
        code, said = container.wait()
        assert code == 0, f"{' '.join(command)} ended with {code}: {said}"
        return said


class Container:
    def __init__(self, name: str, bundle: Path) -> None:
        self._name = name
        self._runc = ["runc", "--root", str(bundle.parent / "state")]
        self._process = subprocess.Popen(
            [*self._runc, "run", "--bundle", str(bundle), name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def signal(self, name: str) -> None:
        """To its process 1."""
        subprocess.run([*self._runc, "kill", self._name, name], check=True, timeout=RUN_SECONDS)

    def wait(self) -> tuple[int, str]:
        """Exit code and output. Raises TimeoutExpired after having killed it."""
        try:
            said, _ = self._process.communicate(timeout=RUN_SECONDS)
        except subprocess.TimeoutExpired:
            self.end()
            raise
        return self._process.returncode, said

    def end(self) -> None:
        """Kills it, if it is there."""
        if self.running:
            subprocess.run([*self._runc, "kill", self._name, "KILL"], check=False)
            self._process.communicate()


@contextmanager
def mounted(buildah: Buildah, tag: str, bundles: Path) -> Iterator[Image]:
    """An image whose files can be looked at and run."""
    about = json.loads(buildah("inspect", "--type", "image", tag))
    [listed] = json.loads(buildah("images", "--json", tag))
    container = buildah("from", "--pull=never", tag)
    try:
        root = Path(buildah("mount", container))
        config = about["OCIv1"]["config"]
        yield Image(root, config, _bytes(listed["size"]), bundles)
    finally:
        buildah("umount", container)
        buildah("rm", container)
        shutil.rmtree(bundles, ignore_errors=True)


def _bytes(said: str) -> int:
    """``196 MB`` as buildah prints it."""
    number, unit = said.split()
    return int(float(number) * {"kB": 1e3, "MB": 1e6, "GB": 1e9}[unit])


def _spec(
    bundle: Path,
    image: Image,
    run: list[str],
    environment: Mapping[str, str],
    mounts: Mapping[Path, str],
) -> dict[str, Any]:
    """runc's own template, less what a pod has not."""
    subprocess.run(["runc", "spec"], cwd=bundle, check=True, timeout=RUN_SECONDS)
    spec: dict[str, Any] = json.loads((bundle / "config.json").read_text())
    user, _, group = image.config["User"].partition(":")
    spec["process"] |= {
        "terminal": False,
        "user": {"uid": int(user), "gid": int(group)},
        "args": run,
        "env": [*image.config["Env"], *(f"{k}={v}" for k, v in environment.items())],
        "cwd": image.config["WorkingDir"],
        "capabilities": NOTHING,
    }
    spec["root"] = {"path": str(image.root), "readonly": True}
    spec["linux"]["cgroupsPath"] = f"/{bundle.name}"
    own = {bundle / "work": image.config["WorkingDir"], bundle / "tmp": "/tmp"}
    for folder in own:
        folder.mkdir()
        folder.chmod(0o1777)
    spec["mounts"] += [
        {"destination": to, "type": "bind", "source": str(path), "options": ["bind", "rw"]}
        for path, to in {**own, **mounts}.items()
    ]
    return spec
