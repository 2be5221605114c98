"""What an exception of a step means: its outcome and the exit code that says the same.

Faults that may pass are told from faults of the input and of the step itself, because only
the first are worth another try on their own (promise 6 of the design).
"""

import errno
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from clt_jobs.context import StopRequested
from clt_operator.api.errors import InputError, StoreError, TransientError
from clt_operator.api.exit_codes import COMMITTED, INPUT_AT_FAULT, SAVED_ON_REQUEST, TRANSIENT
from clt_operator.api.step import OutcomeKind

FAILED = 1

EXIT_CODES: dict[OutcomeKind, int] = {
    "committed": COMMITTED,
    "lost-race": COMMITTED,  # the loser of a race exits cleanly
    "saved": SAVED_ON_REQUEST,
    "input-at-fault": INPUT_AT_FAULT,
    "transient": TRANSIENT,
    "failed": FAILED,
    "out-of-memory": FAILED,
    "lost": FAILED,
}

SEVERITY = (COMMITTED, SAVED_ON_REQUEST, TRANSIENT, INPUT_AT_FAULT, FAILED)  # the worst is last

MAY_PASS = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EIO,
    errno.ESTALE,
    errno.EMFILE,
    errno.ENFILE,
    errno.ETIMEDOUT,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
}

MEMORY_WORDS = ("not enough memory", "can't allocate memory", "Cannot allocate memory")
GROUP_WORDS = ("gloo", "NCCL", "nccl", "c10d", "Connection closed by peer")
LONGEST_MESSAGE = 500  # characters of an outcome's message


@dataclass(frozen=True, slots=True)
class Fault:
    outcome: OutcomeKind
    message: str


def classify(error: BaseException) -> Fault:
    """The outcome of an attempt that ended with this exception, and one line about it."""
    return Fault(_outcome(error), _one_line(error))


def worst(codes: list[int]) -> int:
    """The exit code of a Job of several steps; nothing at all to do is success."""
    return max(codes, key=SEVERITY.index, default=COMMITTED)


def gravest(faults: Mapping[int, Fault]) -> tuple[int, Fault]:
    """Of the faults of several ranks, the one that decides, and whose it is."""
    rank = max(sorted(faults), key=lambda rank: SEVERITY.index(EXIT_CODES[faults[rank].outcome]))
    return rank, faults[rank]


def is_of_the_group(error: BaseException) -> bool:
    """Whether an operation of all ranks failed, because of another process and not of this."""
    if any(kind.__name__ == "DistError" for kind in type(error).__mro__):
        return True
    return isinstance(error, RuntimeError) and any(w in str(error) for w in GROUP_WORDS)


def _outcome(error: BaseException) -> OutcomeKind:
    if isinstance(error, StopRequested):
        return "saved"
    for cause in _chain(error):
        if isinstance(cause, InputError):
            return "input-at-fault"
        if _out_of_memory(cause):
            return "out-of-memory"
        if _may_pass(cause):
            return "transient"
    return "failed"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The exception and what explicitly caused it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__


def _out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    return isinstance(error, RuntimeError) and any(w in str(error) for w in MEMORY_WORDS)


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, (TransientError, StoreError, ConnectionError, TimeoutError)):
        return True
    if isinstance(error, socket.gaierror) or is_of_the_group(error):
        return True
    return isinstance(error, OSError) and error.errno in MAY_PASS


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    if not isinstance(error, (InputError, TransientError, StoreError, StopRequested)):
        text = f"{type(error).__name__}: {text}" if text else type(error).__name__
    return text if len(text) <= LONGEST_MESSAGE else text[: LONGEST_MESSAGE - 1] + "…"
