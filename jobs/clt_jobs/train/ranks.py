"""The processes of one training: thin names over ``accelerate`` for what the loop needs."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn


class Ranks:
    """One process of a training, alone or among many; everything here is collective."""

    def __init__(self, precision: str) -> None:
        from accelerate import Accelerator
        from accelerate.state import AcceleratorState

        # A Job may carry several trainings; a second precision in one process needs new state.
        AcceleratorState._reset_state()
        self.accelerator: Any = Accelerator(
            cpu=not torch.cuda.is_available(),
            mixed_precision="bf16" if precision == "bf16" else "no",
        )

    @property
    def world(self) -> int:
        return int(self.accelerator.num_processes)

    @property
    def rank(self) -> int:
        return int(self.accelerator.process_index)

    @property
    def main(self) -> bool:
        return bool(self.accelerator.is_main_process)

    @property
    def device(self) -> torch.device:
        device: torch.device = self.accelerator.device
        return device

    def prepare(
        self, module: nn.Module, optimisers: Sequence[torch.optim.Optimizer]
    ) -> tuple[Any, list[Any]]:
        """The wrapped module and optimisers: device, precision, gradient reduction, shards."""
        module_, *rest = self.accelerator.prepare(module, *optimisers)
        return module_, rest

    def sum(self, tensor: torch.Tensor) -> torch.Tensor:
        """The sum over all ranks, the same on each."""
        if self.world == 1:
            return tensor
        total: torch.Tensor = self.accelerator.reduce(tensor, reduction="sum")
        return total

    def clip(self, parameters: list[nn.Parameter], limit: float) -> torch.Tensor:
        """Scales gradients to a global norm of at most ``limit`` (0: off); the norm before."""
        norm: torch.Tensor = self.accelerator.clip_grad_norm_(parameters, limit or float("inf"))
        return norm

    def say(self, line: str) -> None:
        """One line for people, once."""
        if self.main:
            print(line, flush=True)
