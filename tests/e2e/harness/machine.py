"""What this machine must have for a node of its own, and what a run leaves on it: nothing.

One run at a time has the machine: a lock says so. Everything that a run makes lies below one
directory, in one cgroup, on one bridge, in chains of known names; ``clean`` removes all of it,
before a run (the one before may have been killed) and after it. Images stay, as a cache.
"""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster.harness.binaries import CannotBuild, cache
from e2e.harness import cgroups, network

PROGRAMS = {  # what is called, and the Debian package that has it
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "ip": "iproute2",
    "buildah": "buildah",
    "debootstrap": "debootstrap",
}
BESIDE = {"prometheus": "prometheus", "promtool": "prometheus"}  # for tests without a node, too
PLUGINS = ("bridge", "host-local", "portmap", "loopback")
PLUGINS_PACKAGE = "containernetworking-plugins"
LINKS = Path("/var/log/containers")  # the kubelet links every log here; no setting moves it
CACHED = Path("/var/lib/cni")  # results of the plug-ins
# Folders that kubelet and containerd make, wherever their own are; removed if they were not there.
FIXED = (LINKS, CACHED, Path("/var/lib/kubelet"), Path("/run/containerd"))


BEFORE = "before.json"  # what the machine was like


@dataclass(frozen=True)
class Place:
    """Where a run lies: ``run`` goes with it, ``images`` stays."""

    run: Path
    images: Path


def packages(programs: Mapping[str, str] = PROGRAMS) -> list[str]:
    """Debian packages that are missing here for programs and plug-ins, sorted."""
    found = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
    missing = {package for name, package in programs.items() if not shutil.which(name, path=found)}
    if not all((network.PLUGINS / plugin).exists() for plugin in PLUGINS):
        missing.add(PLUGINS_PACKAGE)
    return sorted(missing)


def unsuitable() -> str:
    """Why no node can be started here, with what to do; empty where one can."""
    if os.geteuid() != 0:
        return "a node of its own needs root: run as root, or set KUBECONFIG to a cluster"
    if missing := packages():
        return f"not installed: apt-get install {' '.join(missing)} (or make e2e-packages)"
    if missing := cgroups.missing_controllers():
        return f"cgroup controllers are not mounted: {', '.join(missing)}"
    return ""


@contextmanager
def held() -> Iterator[Place]:
    """This machine for the length of the block, clean before and after.

    Raises CannotBuild where it is not ours to have.
    """
    base = cache().parent / "e2e"
    place = Place(base / "run", base / "images")
    place.images.mkdir(parents=True, exist_ok=True)
    with (base / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("another end-to-end run has this machine: waiting for its end", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        if place.run.exists():
            clean(place)
        if reason := network.in_use():
            raise CannotBuild(f"{reason}; set KUBECONFIG to use a cluster that is there")
        place.run.mkdir()
        made = [str(folder) for folder in FIXED if not folder.exists()]
        before = {"forwards": network.forwards(), "made": made}
        (place.run / BEFORE).write_text(json.dumps(before))
        try:
            yield place
        finally:
            clean(place)


def clean(place: Place) -> None:
    """Ends and removes what a run made, from whatever state it is in."""
    cgroups.remove()
    for mount in _mounts(place.run.parent):
        subprocess.run(["umount", "--lazy", mount], check=True)
    network.down()
    if (place.run / BEFORE).exists():
        before = json.loads((place.run / BEFORE).read_text())
        network.FORWARDING.write_text(before["forwards"])
        for folder in before["made"]:
            shutil.rmtree(folder, ignore_errors=True)
    for link in LINKS.glob("*"):
        if str(place.run) in str(link.readlink()):
            link.unlink()
    for result in CACHED.glob(f"results/{network.BRIDGE}-*"):
        result.unlink()
    shutil.rmtree(place.run)


def _mounts(base: Path) -> list[str]:
    """Mount points below a directory, the innermost first."""
    lines = Path("/proc/self/mounts").read_text().splitlines()
    points = [line.split()[1] for line in lines]
    return sorted((p for p in points if p.startswith(f"{base}/")), reverse=True)


def install() -> None:
    """Installs the packages that are missing, where this is root on a Debian."""
    missing = packages({**PROGRAMS, **BESIDE})
    if not missing:
        print("node: every Debian package is there")
        return
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        sys.exit(f"as root, on Debian or Ubuntu: apt-get install {' '.join(missing)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run([apt, "update", "-q"], env=environment, check=True)
    options = ["install", "-y", "-q", "--no-install-recommends"]
    subprocess.run([apt, *options, *missing], env=environment, check=True)


def main() -> None:
    """Says what is missing for a node; installs it with ``--install``."""
    if "--install" in sys.argv[1:]:
        install()
    elif not os.environ.get("KUBECONFIG") and (reason := unsuitable()):
        print(f"node: {reason}", file=sys.stderr)
        sys.exit(1 if os.environ.get("CI") else 0)  # CI allows no level to be skipped


if __name__ == "__main__":
    main()
