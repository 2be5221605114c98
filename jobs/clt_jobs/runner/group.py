"""The process group of a world: what gradients are summed over. Opened once for a whole Job.

``gloo`` on processors, ``nccl`` on GPUs, one GPU for each rank of a node. Its store listens on a
port that the system chooses and rank 0 tells, so that one fixed port is enough for all.
"""

import os
from datetime import timedelta
from typing import Any

from clt_jobs.runner.world import World

STORE_SECONDS = 300  # to connect to the group's store


class Group:
    """Of one process. ``listen`` (rank 0) or ``call`` first, then ``open``; both do so once."""

    def __init__(self, world: World) -> None:
        self.world, self.backend = world, ""
        self._store: Any = None

    def listen(self) -> int:
        """Rank 0: the port of the group's store."""
        if self._store is None:
            self._store = self._make_store(0)
        return int(self._store.port)

    def call(self, port: int) -> None:
        if self._store is None:
            self._store = self._make_store(port)

    def open(self) -> None:
        """Collective: returns when all ranks are in."""
        if self.backend:
            return
        import torch
        from torch import distributed

        os.environ.update(self.world.variables())
        cuda = torch.cuda.is_available()
        if cuda:
            torch.cuda.set_device(self.world.local or 0)
        backend = "nccl" if cuda else "gloo"
        distributed.init_process_group(
            backend,
            store=self._store,
            rank=self.world.rank,
            world_size=self.world.size,
            timeout=timedelta(seconds=self.world.group_seconds),
        )
        self.backend = backend

    def _make_store(self, port: int) -> Any:
        from torch import distributed

        make: Any = distributed.TCPStore  # type: ignore[attr-defined]
        return make(
            "localhost" if self.world.rank == 0 else self.world.address,
            port,
            self.world.size,
            is_master=self.world.rank == 0,
            wait_for_workers=False,
            timeout=timedelta(seconds=STORE_SECONDS),
        )
