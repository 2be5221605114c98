"""The programs of a control plane, built once from the module beside this package.

``tests/cluster/binaries/go.mod`` pins every version; what is built lies outside the repository,
under the digest of ``go.sum``, and is shared by all checkouts. A first build takes some twenty
minutes on two cores; Go's own cache makes later ones short.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

MODULE = Path(__file__).parents[1] / "binaries"
KUBERNETES = "v1.36.3"
KUEUE = "0.19.2"
BUILD_SECONDS = 3600

PACKAGES = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    "kwok": "sigs.k8s.io/kwok/cmd/kwok",
    "kueue": "sigs.k8s.io/kueue/cmd/kueue",
    "helm": "helm.sh/helm/v4/cmd/helm",
}
BUILT_AS = {"etcd": "server"}  # go build names a program after the last part of its package
CHART = "kueue-chart"


class CannotBuild(Exception):
    """Why there are no binaries, and what to install."""


@dataclass(frozen=True)
class Binaries:
    """Where the built programs lie."""

    directory: Path

    def __getitem__(self, name: str) -> str:
        """The path of a program in PACKAGES."""
        return str(self.directory / name)

    @property
    def kueue_chart(self) -> Path:
        return self.directory / CHART


def build(*names: str) -> Binaries:
    """The binaries of these names, or all; compiled on first use. Sessions that start together
    build them once.

    Raises CannotBuild.
    """
    directory = cache() / f"cluster-{_digest()}"
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        missing = [name for name in names or PACKAGES if not (directory / name).exists()]
        if missing:
            _compile(directory, missing)
        if not names and not (directory / CHART).exists():
            _copy_chart(directory / CHART)
    return Binaries(directory)


def built_or_skipped() -> Binaries:
    """The binaries; skips the test where they cannot be built, fails it under CI."""
    try:
        return build()
    except CannotBuild as reason:
        if os.environ.get("CI"):
            pytest.fail(str(reason))
        pytest.skip(str(reason))


def cache() -> Path:
    """Where built programs are kept, outside the repository."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "clt" / "bin"


def _digest() -> str:
    """Of all that says what is built: versions, packages, flags."""
    said = (MODULE / "go.sum").read_bytes() + repr((PACKAGES, flags())).encode()
    return hashlib.sha256(said).hexdigest()[:16]


def flags() -> list[str]:
    """Kubernetes takes its version from the linker; without it /version says v0.0.0."""
    major, minor, _ = KUBERNETES.removeprefix("v").split(".")
    values = {
        "gitVersion": KUBERNETES,
        "gitMajor": major,
        "gitMinor": minor,
        "gitTreeState": "clean",
        "gitCommit": "unknown",
        "buildDate": "1970-01-01T00:00:00Z",
    }
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    variables = [f"-X {p}.{name}={value}" for p in packages for name, value in values.items()]
    return ["-trimpath", "-ldflags", " ".join(["-s -w", *variables])]


def _compile(directory: Path, names: list[str]) -> None:
    building = directory / "building"
    building.mkdir(exist_ok=True)
    go("build", *flags(), "-o", f"{building}/", *(PACKAGES[name] for name in names))
    for name in names:
        (building / BUILT_AS.get(name, name)).replace(directory / name)
    shutil.rmtree(building)


def _copy_chart(target: Path) -> None:
    """Kueue's chart lies in its module's directory, which Go may clean away."""
    module = go("list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kueue").strip()
    copied = target.with_name("building")
    shutil.rmtree(copied, ignore_errors=True)
    shutil.copytree(Path(module) / "charts" / "kueue", copied, copy_function=shutil.copyfile)
    for folder in (copied, *(path for path in copied.rglob("*") if path.is_dir())):
        folder.chmod(0o755)
    copied.rename(target)


def go(*arguments: str, module: Path = MODULE) -> str:
    """Runs Go in a module, and returns what it printed. Raises CannotBuild."""
    program = shutil.which("go")
    if program is None:
        raise CannotBuild(
            "the control plane's programs are not built and Go is not installed: install Go "
            "1.21 or newer (it fetches the version that it needs), or set KUBECONFIG to a cluster"
        )
    environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
    try:
        result = subprocess.run(
            [program, *arguments],
            cwd=module,
            env=environment,
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CannotBuild(f"go {arguments[0]} took more than {BUILD_SECONDS} s") from None
    if result.returncode:
        raise CannotBuild(f"go {arguments[0]} failed in {module}: {result.stderr[-2000:]}")
    return result.stdout


def main() -> None:
    """Builds what is missing. Where that cannot be the tests say so, each as skipped or failed."""
    print("control plane: its programs, built where they are missing (20 minutes)", flush=True)
    try:
        print(f"control plane: {build().directory}")
    except CannotBuild as reason:
        print(f"control plane: {reason}", file=sys.stderr)


if __name__ == "__main__":
    main()
