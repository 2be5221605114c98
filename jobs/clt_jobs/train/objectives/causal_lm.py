"""Causal language modelling on completions: cross-entropy of every supervised token.

Logits are made only where they are supervised: hidden states are picked before the head.
Whether a family allows that (no scaling or capping of logits after the head, and right padding
that a causal mask hides by itself) is not assumed but tried once, on a small batch against the
model's own logits; families that differ get full logits with an attention mask.
"""

from typing import Any

import torch
from torch.nn import functional

from clt_jobs.context import Context
from clt_jobs.train.batches import MicroBatch
from clt_jobs.train.objectives import objective
from clt_jobs.train.objectives.base import Objective
from clt_operator.api.base import Record

PROBE_TOLERANCE = 1e-3  # relative to the largest logit; families that differ do so by far more


@objective("causal_lm")
class CausalLM(Objective):
    def __init__(self, model: Any, settings: Record, context: Context) -> None:
        super().__init__(model, settings, context)
        self.head_apart = _head_stands_apart(model)

    def forward(self, batch: MicroBatch) -> torch.Tensor:
        picked = self._supervised_logits(batch)
        losses = functional.cross_entropy(picked.float(), batch.labels, reduction="none")
        sums = torch.zeros(len(batch.input_ids), dtype=losses.dtype, device=losses.device)
        return sums.index_add(0, batch.owner, losses)

    def _supervised_logits(self, batch: MicroBatch) -> torch.Tensor:
        if self.head_apart:
            return _picked_logits(self.model, batch.input_ids, batch.positions)
        logits = self.model(
            input_ids=batch.input_ids, attention_mask=batch.attention_mask, use_cache=False
        ).logits
        picked: torch.Tensor = logits.flatten(0, 1).index_select(0, batch.positions)
        return picked


def _picked_logits(model: Any, input_ids: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """Logits at flattened positions only, from the family's backbone and head."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    hidden = inner.base_model(input_ids=input_ids, use_cache=False).last_hidden_state
    logits: torch.Tensor = inner.get_output_embeddings()(
        hidden.flatten(0, 1).index_select(0, positions)
    )
    return logits


@torch.no_grad()
def _head_stands_apart(model: Any) -> bool:
    """Whether picked logits without a mask equal the model's own with one, on two rows of
    which one is padded."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    if inner.get_output_embeddings() is None or inner.base_model is inner:
        return False
    vocabulary = int(inner.get_input_embeddings().weight.shape[0])
    device = next(inner.parameters()).device
    ids = (torch.arange(16, device=device) * 7 + 3).remainder(vocabulary).view(2, 8)
    mask = torch.ones_like(ids)
    mask[1, 5:] = 0
    positions = mask.flatten().nonzero().flatten()
    was_training = model.training
    model.eval()
    try:
        own = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
        picked = _picked_logits(model, ids, positions)
    finally:
        model.train(was_training)
    own = own.flatten(0, 1).index_select(0, positions)
    if own.shape != picked.shape:
        return False
    scale = own.abs().max().clamp(min=1.0)
    return bool((own - picked).abs().max() <= PROBE_TOLERANCE * scale)
