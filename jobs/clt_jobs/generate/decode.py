"""Greedy and sampled decoding of a cell, independent of how items are batched.

Every item draws from its own generator, seeded by (decode seed, item id), one number per token.
Finished sequences leave the batch once half of it is done.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Literal

import numpy as np
import torch

from clt_jobs.generate.causal import Batch, CausalModel, Tokens, batches_by_length
from clt_jobs.generate.checkpoint import Checkpoint

_TAIL = 8  # tokens decoded beyond the bytes of the longest stop string, to look for one


@dataclass(frozen=True, slots=True)
class Decoding:
    """How tokens are picked. ``temperature`` 0 is greedy; ``top_p`` 1 keeps all."""

    max_new_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """``text`` ends before the first stop string; ``tokens`` counts what the model wrote,
    its end token excluded."""

    text: str
    tokens: int
    finish_reason: Literal["stop", "length"]


def decode(
    checkpoint: Checkpoint,
    prompts: Sequence[Tokens],
    items: Sequence[str],
    decoding: Decoding,
    *,
    batch_size: int,
    progress: Callable[[int], None] | None = None,
    hear: Callable[[Sequence[Answer]], None] | None = None,
) -> list[Answer]:
    """The answers to ``prompts`` in their order; ``items`` name the random streams.

    ``hear`` is given the answers of every batch; ``progress`` hears after it how many are
    done, and what it raises ends the decoding.
    """
    model = CausalModel(checkpoint.model, checkpoint.pad, prompts)
    answers: dict[int, Answer] = {}
    for indices in batches_by_length([len(prompt) for prompt in prompts], batch_size):
        batch = model.prefill([prompts[index] for index in indices])
        streams = [_stream(decoding, items[index]) for index in indices]
        written = _Writer(checkpoint, decoding).run(model, batch, streams)
        answers.update(zip(indices, written, strict=True))
        if hear is not None:
            hear(written)
        if progress is not None:
            progress(len(answers))
    return [answers[index] for index in range(len(prompts))]


class _Writer:
    """Decodes one batch to its end."""

    def __init__(self, checkpoint: Checkpoint, decoding: Decoding) -> None:
        self._checkpoint = checkpoint
        self._decoding = decoding
        longest = max((len(stop.encode()) for stop in decoding.stop), default=0)
        self._tail = longest + _TAIL

    def run(
        self, model: CausalModel, batch: Batch, streams: Sequence[np.random.Generator | None]
    ) -> list[Answer]:
        answers: list[Answer | None] = [None] * len(streams)
        written: list[list[int]] = [[] for _ in streams]
        rows = list(range(len(streams)))  # which sequence stands in which row of the batch
        for step in range(self._decoding.max_new_tokens):
            picked = self._pick(batch.logits, [streams[row] for row in rows])
            for row, token in zip(rows, picked, strict=True):
                if answers[row] is None:
                    answers[row] = self._ended(written[row], token)
            alive = [place for place, row in enumerate(rows) if answers[row] is None]
            if not alive or step + 1 == self._decoding.max_new_tokens:
                break
            if 2 * len(alive) <= len(rows):
                batch = batch.select(torch.tensor(alive, device=model.device))
                picked = [picked[place] for place in alive]
                rows = [rows[place] for place in alive]
            tokens = torch.tensor(picked, device=model.device)[:, None]
            model.extend(batch, tokens, torch.ones_like(tokens))
        return [
            answer or self._cut(tokens, "length")
            for answer, tokens in zip(answers, written, strict=True)
        ]

    def _pick(
        self, logits: torch.Tensor, streams: Sequence[np.random.Generator | None]
    ) -> list[int]:
        if self._decoding.temperature == 0:
            return [int(token) for token in logits.argmax(-1).tolist()]
        drawn = torch.tensor([0.0 if stream is None else stream.random() for stream in streams])
        return sample(logits, self._decoding.temperature, self._decoding.top_p, drawn)

    def _ended(self, written: list[int], token: int) -> Answer | None:
        """Takes one more token; the answer, if it is complete now."""
        if token in self._checkpoint.stops:
            return self._cut(written, "stop")
        written.append(token)
        if self._decoding.stop and self._first_stop(self._text(written[-self._tail :])) >= 0:
            answer = self._cut(written, "length")
            return answer if answer.finish_reason == "stop" else None
        return None

    def _cut(self, written: list[int], reason: Literal["stop", "length"]) -> Answer:
        text = self._text(written)
        at = self._first_stop(text)
        if at >= 0:
            return Answer(text[:at], len(written), "stop")
        return Answer(text, len(written), reason)

    def _first_stop(self, text: str) -> int:
        places = [text.find(stop) for stop in self._decoding.stop]
        return min((place for place in places if place >= 0), default=-1)

    def _text(self, tokens: Sequence[int]) -> str:
        decoded: str = self._checkpoint.tokenizer.decode(
            list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return decoded


def sample(
    logits: torch.Tensor, temperature: float, top_p: float, drawn: torch.Tensor
) -> list[int]:
    """Tokens by inversion: ``logits`` [B, V], ``drawn`` [B] uniform in [0, 1).

    The nucleus is the fewest most likely tokens whose probabilities reach ``top_p``
    (Holtzman et al., 2020). Computed in double precision.
    """
    probabilities = torch.softmax(logits.double() / temperature, dim=-1)
    ranked, tokens = probabilities.sort(dim=-1, descending=True, stable=True)
    cumulative = ranked.cumsum(-1)
    kept = torch.where(cumulative - ranked < top_p, ranked, 0.0)
    cumulative = kept.cumsum(-1)
    target = drawn.to(cumulative)[:, None] * cumulative[:, -1:]
    place = torch.searchsorted(cumulative, target, right=True)
    last = (kept > 0).sum(-1, keepdim=True) - 1
    return [int(token) for token in tokens.gather(-1, place.minimum(last))[:, 0].tolist()]


def _stream(decoding: Decoding, item: str) -> np.random.Generator | None:
    if decoding.temperature == 0:
        return None
    digest = sha256(f"{decoding.seed}\0{item}".encode()).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest[:16], "big")))


def decoding_fields(params: Any) -> Decoding:
    """The decoding part of the parameters of a generate step."""
    return Decoding(
        max_new_tokens=params.max_new_tokens,
        temperature=params.temperature,
        top_p=params.top_p,
        stop=tuple(params.stop),
        seed=params.decode_seed,
    )
