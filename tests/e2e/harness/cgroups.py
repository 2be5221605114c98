"""One cgroup for all that the harness runs, in every controller of this machine.

Who is in it is ours: after a run, also one that crashed, every process found there is killed by
its id and the groups are removed. Version 1 (a folder for each controller) and version 2 (one for
all) differ in where the folders lie and in how a memory limit is written.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
NAME = "clt-e2e"
INHERITED = ("cpuset.cpus", "cpuset.mems")  # a new group of version 1 has none and takes nobody
END_SECONDS = 20


def unified() -> bool:
    """Whether this machine has version 2 alone."""
    return (ROOT / "cgroup.controllers").exists()


def missing_controllers() -> list[str]:
    """Controllers that a kubelet needs and that are not mounted."""
    if unified():
        there = (ROOT / "cgroup.controllers").read_text().split()
        return [name for name in ("cpu", "memory", "pids") if name not in there]
    return [name for name in ("cpu", "memory", "pids") if not (ROOT / name).is_dir()]


def make(*parts: str) -> str:
    """The group ``/clt-e2e/PARTS`` in every controller; what the kubelet calls cgroupRoot."""
    for top in _tops():
        group = top
        for part in (NAME, *parts):
            if unified():
                (group / "cgroup.subtree_control").write_text("+cpu +memory +pids")
            group /= part
            group.mkdir(exist_ok=True)
            for name in INHERITED if top.name == "cpuset" else ():
                (group / name).write_text((group.parent / name).read_text())
    return "/".join(("", NAME, *parts))


def join(pid: int, *parts: str) -> None:
    """Puts a process into a group; its children will be there, too."""
    for top in _tops():
        (top.joinpath(NAME, *parts) / "cgroup.procs").write_text(str(pid))


def members() -> set[int]:
    """Ids of all processes in the group and below."""
    found: set[int] = set()
    for top in _tops():
        for group in _groups(top / NAME):
            with suppress(OSError):
                found |= {int(pid) for pid in (group / "cgroup.procs").read_text().split()}
    return found


def remove() -> None:
    """Kills who is left in it, and removes the groups."""
    deadline = time.monotonic() + END_SECONDS
    while left := members():
        for pid in left:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if time.monotonic() > deadline:
            raise RuntimeError(f"processes of an end-to-end run do not end: {sorted(left)}")
        time.sleep(0.05)  # a killed process leaves when the kernel is done with it
    for top in (*_tops(), ROOT / "unified"):
        for group in _groups(top / NAME):
            _rmdir(group, deadline)


def container_group(container_id: str, controller: str = "memory") -> Path:
    """The folder of a running container. Raises LookupError."""
    top = ROOT if unified() else ROOT / controller
    for group in _groups(top / NAME):
        if container_id in group.name:
            return group
    raise LookupError(f"no cgroup of the container {container_id}: it has ended")


def squeeze(container_id: str) -> None:
    """Leaves a running container no more memory than it uses now, so that the kernel kills it when
    it asks for more. Version 1 refuses a limit below what is in use: call it until it has ended.
    Raises LookupError then.
    """
    group = container_group(container_id)
    with suppress(OSError):
        if unified():
            (group / "memory.max").write_text("4096")
        else:
            usage = int((group / "memory.usage_in_bytes").read_text())
            (group / "memory.limit_in_bytes").write_text(str(usage // 2))
    with suppress(OSError):
        if not unified():
            usage = int((group / "memory.usage_in_bytes").read_text())
            (group / "memory.limit_in_bytes").write_text(str(usage))


def memory(container_id: str) -> int:
    """Bytes that a container keeps in memory, without files that the kernel may drop."""
    group = container_group(container_id)
    usage = int((group / ("memory.current" if unified() else "memory.usage_in_bytes")).read_text())
    stat = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    return usage - int(stat.get("inactive_file" if unified() else "total_inactive_file", 0))


def resident(container_id: str) -> int:
    """Bytes of the container's processes that are in memory, pages of files included."""
    total = 0
    for pid in (container_group(container_id) / "cgroup.procs").read_text().split():
        status = Path("/proc", pid, "status").read_text()
        total += sum(int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line)
    return total * 1024


def _tops() -> list[Path]:
    """Version 1 has a folder for each controller (known by its file ``tasks``) and, on machines
    that have both, ``unified`` for version 2, where runc makes empty groups."""
    if unified():
        return [ROOT]
    return sorted(tasks.parent for tasks in ROOT.glob("*/tasks"))


def _groups(top: Path) -> Iterator[Path]:
    """A group and all below it, the innermost first."""
    for folder, _, _ in os.walk(top, topdown=False):
        yield Path(folder)


def _rmdir(group: Path, deadline: float) -> None:
    while True:
        try:
            group.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
