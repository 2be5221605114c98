"""A Go program at a pinned version, compiled once into a cache outside the repository.

Where Go is missing, tests that need the program are skipped with the reason, or fail where CI is
set.
"""

import fcntl
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class GoProgram:
    name: str
    version: str
    package: str  # what `go install` takes, without the version
    seconds: float  # for the build

    @property
    def path(self) -> Path:
        """Where the built binary is kept, by version."""
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return cache / "clt" / "bin" / f"{self.name}-{self.version}" / self.name

    def build(self) -> Path:
        """The binary, compiled on first use; concurrent sessions build it once.

        Raises RuntimeError that says why it cannot be built.
        """
        binary = self.path
        binary.parent.mkdir(parents=True, exist_ok=True)
        with (binary.parent / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not binary.exists():
                self._compile(binary)
        return binary

    def built_or_skipped(self) -> Path:
        """The binary; skips the test where it cannot be built, fails it under CI."""
        try:
            return self.build()
        except RuntimeError as reason:
            if os.environ.get("CI"):
                pytest.fail(str(reason))
            pytest.skip(str(reason))

    def _compile(self, binary: Path) -> None:
        go = shutil.which("go")
        if go is None:
            raise RuntimeError(f"{self.name} {self.version} is not built and Go is not installed")
        building = binary.parent / "building"
        result = subprocess.run(
            [go, "install", f"{self.package}@v{self.version}"],
            env={**os.environ, "CGO_ENABLED": "0", "GOBIN": str(building)},
            capture_output=True,
            text=True,
            timeout=self.seconds,
            check=False,
        )
        if result.returncode:
            said = result.stderr[-2000:]
            raise RuntimeError(f"{self.name} {self.version} does not build: {said}")
        (building / self.name).replace(binary)
        building.rmdir()
