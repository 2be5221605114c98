"""A causal model over a batch of prompts: prefill once, then extend the key-value cache.

Prompts are padded on the left. What all prompts of a cell begin with (worked examples, an
instruction) is computed once and its cache copied. Shapes: B sequences, V the vocabulary.

Results of a sequence do not depend on the rest of its batch up to rounding: padding is masked
and positions are counted without it. Sums may be taken in another order at another batch
shape, so logits agree to about 1e-5 in single precision, and an exact tie may break otherwise.
"""

import copy
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

_WORTH_SHARING = 16  # tokens; below this a copy of the cache costs more than it saves

Tokens = Sequence[int]


@dataclass
class Batch:
    """Sequences in flight. ``mask`` [B, T] covers the cache; ``lengths`` [B] are real tokens;
    ``logits`` [B, V] in single precision or better belong to each sequence's last token."""

    cache: Any
    mask: torch.Tensor
    lengths: torch.Tensor
    logits: torch.Tensor

    def select(self, indices: torch.Tensor) -> "Batch":
        """The sequences at ``indices``, which may repeat. This batch must not be used again."""
        self.cache.batch_select_indices(indices)
        return Batch(self.cache, self.mask[indices], self.lengths[indices], self.logits[indices])


def common_prefix(sequences: Sequence[Tokens]) -> int:
    """Tokens that all sequences share at their start, leaving each at least one of its own."""
    first = min(sequences, key=len)
    shared = len(first) - 1
    for sequence in sequences:
        while sequence[:shared] != first[:shared]:
            shared = next(i for i in range(shared) if sequence[i] != first[i])
    return shared


class CausalModel:
    """Runs a causal ``transformers`` model over prompts that may share a start."""

    def __init__(self, model: Any, pad: int, prompts: Sequence[Tokens] = ()) -> None:
        self._model = model
        self._pad = pad
        self._keeps = "logits_to_keep" in inspect.signature(model.forward).parameters
        self._prefix: Tokens = ()
        self._prefix_cache: Any = None
        shared = common_prefix(prompts) if len(prompts) > 1 else 0
        if shared >= _WORTH_SHARING:
            self._prefix = tuple(prompts[0][:shared])

    @property
    def device(self) -> torch.device:
        return torch.device(self._model.device)

    @property
    def shared_tokens(self) -> int:
        """Prompt tokens that are computed once for all."""
        return len(self._prefix)

    @torch.inference_mode()
    def prefill(self, prompts: Sequence[Tokens]) -> Batch:
        """A batch that has read its prompts, each of at least one token."""
        shared = len(self._prefix)
        if shared and any(tuple(p[:shared]) != self._prefix for p in prompts):
            raise ValueError("prompts do not begin with the shared prefix")
        tokens, own_mask = self._pad_left([prompt[shared:] for prompt in prompts])
        prefix_mask = own_mask.new_ones((len(prompts), shared))
        mask = torch.cat([prefix_mask, own_mask], dim=1)
        positions = (own_mask.cumsum(1) - 1).clamp(min=0) + shared
        cache = self._shared_cache(len(prompts)) if shared else None
        output = self._forward(tokens, mask, positions, cache, last=True)
        return Batch(output.past_key_values, mask, mask.sum(1), _wide(output.logits[:, -1]))

    @torch.inference_mode()
    def extend(
        self, batch: Batch, tokens: torch.Tensor, valid: torch.Tensor, *, last: bool = True
    ) -> torch.Tensor:
        """Appends ``tokens`` [B, C] where ``valid`` [B, C], padded on the right.

        Returns logits [B, C, V], or with ``last`` [B, 1, V] of the last column; the batch is
        changed in place.
        """
        positions = batch.lengths[:, None] + torch.arange(tokens.shape[1], device=tokens.device)
        batch.mask = torch.cat([batch.mask, valid.to(batch.mask.dtype)], dim=1)
        output = self._forward(tokens, batch.mask, positions, batch.cache, last=last)
        batch.cache = output.past_key_values
        batch.lengths = batch.lengths + valid.sum(1)
        logits = _wide(output.logits[:, -1:] if last else output.logits)
        batch.logits = logits[:, -1]
        return logits

    def _forward(
        self, tokens: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache: Any,
        *, last: bool,
    ) -> Any:  # fmt: skip
        keep = {"logits_to_keep": 1} if last and self._keeps else {}
        return self._model(
            input_ids=tokens,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            **keep,
        )

    def _shared_cache(self, size: int) -> Any:
        if self._prefix_cache is None:
            tokens = torch.tensor([list(self._prefix)], device=self.device)
            positions = torch.arange(tokens.shape[1], device=self.device)[None]
            output = self._forward(tokens, torch.ones_like(tokens), positions, None, last=True)
            self._prefix_cache = output.past_key_values
        cache = copy.deepcopy(self._prefix_cache)
        cache.batch_select_indices(torch.zeros(size, dtype=torch.long, device=self.device))
        return cache

    def _pad_left(self, sequences: Sequence[Tokens]) -> tuple[torch.Tensor, torch.Tensor]:
        width = max(len(sequence) for sequence in sequences)
        padded = [[self._pad] * (width - len(s)) + list(s) for s in sequences]
        mask = [[0] * (width - len(s)) + [1] * len(s) for s in sequences]
        return (
            torch.tensor(padded, device=self.device),
            torch.tensor(mask, dtype=torch.long, device=self.device),
        )


def _wide(logits: torch.Tensor) -> torch.Tensor:
    return logits.float() if logits.dtype in (torch.bfloat16, torch.float16) else logits


def batches_by_length(lengths: Sequence[int], size: int) -> list[list[int]]:
    """Indices in batches of at most ``size``, longest first, equal lengths in their order."""
    ranked = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    return [ranked[start : start + size] for start in range(0, len(ranked), size)]
