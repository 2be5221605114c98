"""Processes of this machine by lasting names: who is alive, and how to hear of an end.

A holder is alive only where a process of its id runs *and* started when the holder did; a
zombie has ended. Where the system has no ``/proc``, the process id alone has to do.
"""

import os
import socket
from functools import cache
from pathlib import Path

from clt_operator.api.holder import ENDED, LocalHolder, parse_stat


@cache
def this_host() -> str:
    return socket.gethostname()


def identify(pid: int) -> LocalHolder:
    """The lasting name of a process that runs, or that this process has not yet waited for."""
    stat = _stat(pid)
    return LocalHolder(this_host(), pid, stat[1] if stat else 0)


@cache
def this_process() -> LocalHolder:
    return identify(os.getpid())


def is_alive(holder: LocalHolder) -> bool:
    """Of a holder on this host."""
    if not Path("/proc/self/stat").exists():
        return _answers(holder.pid)
    stat = _stat(holder.pid)
    return stat is not None and stat[0] not in ENDED and holder.ticks in (0, stat[1])


def open_pidfd(pid: int) -> int | None:
    """A descriptor that becomes readable when the process ends; None where there is none."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return None


def oom_kills() -> int:
    """Processes that the kernel killed for want of memory since boot; 0 where it does not tell."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def cores() -> int:
    """Cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _stat(pid: int) -> tuple[str, int] | None:
    try:
        return parse_stat(Path(f"/proc/{pid}/stat").read_text(errors="replace"))
    except (OSError, IndexError, ValueError):
        return None


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
