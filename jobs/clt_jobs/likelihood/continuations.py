"""Log-probabilities of several continuations of each prompt, the prompt computed once.

log p(continuation | prompt) = Σ over its tokens, in nats, summed in double precision. No end
token is added. A batch reads its prompts, then its cache is copied to every continuation.
"""

from collections.abc import Callable, Sequence

import torch

from clt_jobs.generate.causal import CausalModel, Tokens, batches_by_length
from clt_jobs.generate.checkpoint import Checkpoint


def continuation_logprobs(
    checkpoint: Checkpoint,
    prompts: Sequence[Tokens],
    continuations: Sequence[Sequence[Tokens]],
    *,
    batch_size: int,
    progress: Callable[[int], None] | None = None,
) -> list[list[float]]:
    """For each prompt the log-probabilities of its continuations, each of at least one token.

    ``batch_size`` bounds the sequences of a forward pass; continuations of one prompt stay
    together unless they alone exceed it. ``progress`` hears how many prompts are done.
    """
    model = CausalModel(checkpoint.model, checkpoint.pad, prompts)
    widest = max((len(options) for options in continuations), default=1)
    found: dict[int, list[float]] = {}
    for indices in batches_by_length([len(p) for p in prompts], max(1, batch_size // widest)):
        scores = _batch(
            model,
            checkpoint.pad,
            [prompts[index] for index in indices],
            [continuations[index] for index in indices],
        )
        found.update(zip(indices, scores, strict=True))
        if progress is not None:
            progress(len(found))
    return [found[index] for index in range(len(prompts))]


@torch.inference_mode()
def _batch(
    model: CausalModel,
    pad: int,
    prompts: Sequence[Tokens],
    continuations: Sequence[Sequence[Tokens]],
) -> list[list[float]]:
    batch = model.prefill(prompts)
    flat = [tokens for options in continuations for tokens in options]
    owner = [row for row, options in enumerate(continuations) for _ in options]
    owners = torch.tensor(owner, device=model.device)
    firsts = torch.tensor([tokens[0] for tokens in flat], device=model.device)
    total = _picked(batch.logits[owners], firsts)
    width = max(len(tokens) for tokens in flat) - 1
    if width:
        rest = [list(tokens) + [pad] * (width + 1 - len(tokens)) for tokens in flat]
        tokens = torch.tensor(rest, device=model.device)
        lengths = torch.tensor([len(tokens) - 1 for tokens in flat], device=model.device)
        valid = torch.arange(width, device=model.device)[None] < lengths[:, None]
        logits = model.extend(batch.select(owners), tokens[:, :-1], valid, last=False)
        later = torch.stack([_picked(logits[:, c], tokens[:, c + 1]) for c in range(width)], 1)
        total = total + torch.where(valid, later, 0.0).sum(1)
    values = iter(total.tolist())
    return [[float(next(values)) for _ in options] for options in continuations]


def _picked(logits: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """log softmax of ``logits`` [N, V] at ``tokens`` [N], in double precision."""
    wide = logits.double()
    picked = wide.gather(-1, tokens[:, None])[:, 0]
    return picked - torch.logsumexp(wide, dim=-1)
