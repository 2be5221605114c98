"""Gradients of one optimiser step: gathered over micro-batches and ranks, clipped, applied.

The loss of a step is one sum over its rows; wrappers that average gradients over ranks are
made up for by a factor. What is not finite is never applied.
"""

import math
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from clt_jobs.train.batches import Share, shares
from clt_jobs.train.corpus import Corpus, Int64, Rows
from clt_jobs.train.meter import DATA, Meter
from clt_jobs.train.objectives import Objective
from clt_jobs.train.optimiser import build_optimiser, set_rate
from clt_jobs.train.ranks import Ranks
from clt_jobs.train.state import Tensors, names_of, put_optimiser, take_optimiser
from clt_jobs.train.weights import Float64
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.train import Optimiser as OptimiserParams


@dataclass(frozen=True)
class Limits:
    """How rows are cut to fit memory; rounding apart, no result depends on it. 0: no limit."""

    micro_rows: int
    micro_tokens: int

    def shares(self, lengths: Int64, ranks: Ranks) -> list[Share]:
        """The micro-batches of this rank."""
        return shares(
            lengths,
            world=ranks.world,
            rank=ranks.rank,
            micro_rows=self.micro_rows,
            micro_tokens=self.micro_tokens,
        )


class Gradients:
    """The prepared module of an objective and one optimiser per parameter group."""

    def __init__(
        self,
        objective: Objective,
        params: OptimiserParams,
        ranks: Ranks,
        limits: Limits,
        pad: int,
        *,
        meter: Meter,
    ) -> None:
        self.objective, self.params, self.ranks = objective, params, ranks
        self.limits, self.pad, self.meter = limits, pad, meter
        groups = objective.groups()
        if len(groups) > 1 and ranks.world > 1:
            raise InputError("an objective of several parameter groups runs in one process only")
        optimisers = [build_optimiser(params, members) for members in groups.values()]
        self.module, prepared = ranks.prepare(objective, optimisers)
        self.groups = objective.groups()  # again, as sharding replaces parameters
        self.optimisers: dict[str, Any] = dict(zip(groups, prepared, strict=True))

    def gather(self, corpus: Corpus, rows: Rows, weights: Float64) -> torch.Tensor:
        """Adds up the gradients of this rank's share of a step.

        Returns its row losses, float64 [rows], zero for the rows of other ranks.
        """
        losses = torch.zeros(len(rows), dtype=torch.float64, device=self.ranks.device)
        mine = self.limits.shares(rows.lengths, self.ranks)
        for number, share in enumerate(mine):
            with self.meter.part(DATA):
                part = rows.take(share.index)
                given = np.zeros(len(part)) if share.idle else weights[share.index]
                batch = self.objective.collate(corpus, part, given, self.pad)
                self.meter.computed(batch)
                batch = batch.to(self.ranks.device)
            last = number == len(mine) - 1
            with nullcontext() if last else self.ranks.accelerator.no_sync(self.module):
                for update in self.objective.updates(self.module, batch):
                    self._backward(update.loss * self.ranks.world, update.group)
                    if update.row_losses is not None and not share.idle:
                        losses[torch.from_numpy(share.index)] += update.row_losses.detach()
        return losses

    def apply(self, step: int, total: int) -> tuple[float, float]:
        """Clips the gradients and makes the step (from 0, of ``total``).

        Returns learning rate and global norm before clipping; where that is not finite
        nothing is changed.
        """
        limit = self.params.gradient_clip
        rates = [set_rate(self._raw(group), self.params, step, total) for group in self.optimisers]
        norms = [float(self.ranks.clip(members, limit)) for members in self.groups.values()]
        norm = math.hypot(*norms)
        for optimiser in self.optimisers.values():
            if math.isfinite(norm):
                optimiser.step()
            optimiser.zero_grad()
        return rates[0], norm

    def take(self) -> dict[str, Tensors]:
        """Copies of the optimisers' state by group. Collective."""
        return {g: take_optimiser(self._raw(g), self._names(g)) for g in self.optimisers}

    def put(self, saved: dict[str, Tensors]) -> None:
        """Sets the optimisers' state to what ``take`` took."""
        for group, tensors in saved.items():
            put_optimiser(self._raw(group), self._names(group), tensors)

    def _backward(self, loss: torch.Tensor, group: str) -> None:
        only = {"inputs": self.groups[group]} if len(self.groups) > 1 else {}
        self.ranks.accelerator.backward(loss, **only)

    def _raw(self, group: str) -> torch.optim.Optimizer:
        prepared = self.optimisers[group]
        raw: torch.optim.Optimizer = getattr(prepared, "optimizer", prepared)
        return raw

    def _names(self, group: str) -> dict[nn.Parameter, str]:
        return names_of(self.objective, self.groups[group])
