"""What an objective is: a module around the model that yields (loss, parameter group) updates.

The module, not the bare model, is what ``accelerate`` prepares, so that every forward goes
through its wrapper (gradient reduction, sharding, autocast) whatever part of the model the
objective uses. Losses are sums over rows with the weights of the whole step: they are added up
over micro-batches and ranks, never averaged.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import nn

from clt_jobs.context import Context
from clt_jobs.train.batches import MicroBatch, collate
from clt_jobs.train.corpus import Corpus, Rows
from clt_jobs.train.weights import Float64
from clt_operator.api.base import Record

MODEL_GROUP = "model"


@dataclass(frozen=True)
class Update:
    """One loss to minimise over one parameter group.

    ``row_losses`` are the unweighted sums of cross-entropy per row, for the log; an update
    that is not about the rows' own tokens leaves them out.
    """

    loss: torch.Tensor
    row_losses: torch.Tensor | None = None
    group: str = MODEL_GROUP


class Objective(nn.Module, ABC):
    """An objective of one model; subclasses register themselves by name.

    ``inputs`` names the step inputs that it reads beside model and tokens.
    """

    Settings: ClassVar[type[Record]] = Record
    inputs: ClassVar[tuple[str, ...]] = ()

    def __init__(self, model: Any, settings: Record, context: Context) -> None:
        super().__init__()
        self.model = model
        self.settings = settings
        self.context = context

    def groups(self) -> dict[str, list[nn.Parameter]]:
        """Parameters by group; each group has its own optimiser."""
        return {MODEL_GROUP: [p for p in self.parameters() if p.requires_grad]}

    def collate(self, corpus: Corpus, rows: Rows, weights: Float64, pad: int) -> MicroBatch:
        """The batch layout: by default, rows side by side."""
        return collate(corpus, rows, weights, pad)

    @abstractmethod
    def forward(self, batch: MicroBatch) -> torch.Tensor:
        """Unweighted sums of the loss per row, float32 [rows]."""

    def updates(
        self, call: Callable[[MicroBatch], torch.Tensor], batch: MicroBatch
    ) -> Iterator[Update]:
        """The updates of one micro-batch; ``call`` is the prepared module."""
        row_losses = call(batch)
        yield Update((row_losses * batch.weights).sum(), row_losses)
