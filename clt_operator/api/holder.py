"""The name of a process that holds an attempt, as a claim carries it.

A process id comes back after a while; with the time at which the process started (clock ticks
since boot, from ``/proc/<pid>/stat``) it names one process for good.
"""

from dataclasses import dataclass

STATE_FIELD, START_FIELD = 0, 19  # of /proc/<pid>/stat, counted after the command's name
ENDED = frozenset("ZXx")  # a zombie has ended, whether or not somebody collected it


@dataclass(frozen=True, slots=True)
class LocalHolder:
    """``local:<host>:<pid>:<start ticks>``; ticks are 0 where the system does not tell."""

    host: str
    pid: int
    ticks: int

    def __str__(self) -> str:
        return f"local:{self.host}:{self.pid}:{self.ticks}"

    @staticmethod
    def parse(text: str) -> "LocalHolder | None":
        """None for a holder of another kind, such as ``pod:<uid>``."""
        scheme, _, rest = text.partition(":")
        host, _, numbers = rest.rpartition(":")
        host, _, pid = host.rpartition(":")
        if scheme != "local" or not host or not (pid.isdigit() and numbers.isdigit()):
            return None
        return LocalHolder(host, int(pid), int(numbers))


def parse_stat(text: str) -> tuple[str, int]:
    """State letter and start ticks from the text of ``/proc/<pid>/stat``.

    The command's name may hold spaces and parentheses: the fields start after the last one.
    """
    fields = text.rpartition(")")[2].split()
    return fields[STATE_FIELD], int(fields[START_FIELD])
