"""A step kind that all ranks compute together, and of which each behaves as the hints say."""

import os
import signal
import threading
from typing import ClassVar

import torch
from torch import distributed

from clt_operator.api.base import Params
from clt_operator.api.errors import InputError, TransientError


class ChorusParams(Params):
    kind: ClassVar[str] = "chorus"
    together: ClassVar[bool] = True
    name: str


def chorus(params, context):
    """Ranks sing together once, then each does its part, then all sing again."""
    rank = distributed.get_rank()
    print(f"rank {rank} sings {params.name}", flush=True)
    distributed.all_reduce(torch.ones(1))
    PARTS[context.hints.get(str(rank), "sing")]()
    total = torch.ones(1)
    distributed.all_reduce(total)
    if rank == 0:
        (context.output("out") / "total.txt").write_text(f"{total.item():.0f}\n")


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def hang():
    threading.Event().wait()


def be_at_fault():
    raise InputError("row 3 is not JSON")


def stumble():
    raise TransientError("the disk is full")


PARTS = {
    "sing": lambda: None,
    "die": die,
    "hang": hang,
    "be at fault": be_at_fault,
    "stumble": stumble,
}
