"""The programs of a node, built once: kubelet and kube-proxy from the control plane's module (one
version of Kubernetes), CoreDNS and the pause container from the module beside this package.
"""

import fcntl
import hashlib
import shutil
import sys
from pathlib import Path

from cluster.harness.binaries import MODULE as CONTROL_PLANE
from cluster.harness.binaries import CannotBuild, cache, flags, go

MODULE = Path(__file__).parents[1] / "binaries"

PACKAGES = {
    "kubelet": (CONTROL_PLANE, "k8s.io/kubernetes/cmd/kubelet"),
    "kube-proxy": (CONTROL_PLANE, "k8s.io/kubernetes/cmd/kube-proxy"),
    "coredns": (MODULE, "./coredns"),
    "pause": (MODULE, "./pause"),
}


def build(*names: str) -> dict[str, Path]:
    """Paths of the programs of these names, or of all; compiled on first use.

    Raises CannotBuild.
    """
    directory = cache() / f"e2e-{_digest()}"
    directory.mkdir(parents=True, exist_ok=True)
    wanted = names or tuple(PACKAGES)
    with (directory / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        missing = [name for name in wanted if not (directory / name).exists()]
        for module in {PACKAGES[name][0] for name in missing}:
            _compile(directory, module, [n for n in missing if PACKAGES[n][0] == module])
    return {name: directory / name for name in wanted}


def _digest() -> str:
    """Of all that says what is built."""
    sources = sorted([CONTROL_PLANE / "go.sum", MODULE / "go.sum", *MODULE.glob("*/*.go")])
    said = b"".join(path.read_bytes() for path in sources)
    packages = {name: package for name, (_, package) in PACKAGES.items()}
    return hashlib.sha256(said + repr((packages, flags())).encode()).hexdigest()[:16]


def _compile(directory: Path, module: Path, names: list[str]) -> None:
    building = directory / "building"
    building.mkdir(exist_ok=True)
    packages = [PACKAGES[name][1] for name in names]
    go("build", *flags(), "-o", f"{building}/", *packages, module=module)
    for name in names:
        (building / name).replace(directory / name)
    shutil.rmtree(building)


def main() -> None:
    """Builds what is missing."""
    print("node: its programs, built where they are missing (4 minutes)", flush=True)
    try:
        print(f"node: {build()['kubelet'].parent}")
    except CannotBuild as reason:
        print(f"node: {reason}", file=sys.stderr)


if __name__ == "__main__":
    main()
