"""Prompts as token sequences: rendered, tokenised apart from the response, cut to length."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from clt_jobs.data.encode import encode_prompts
from clt_jobs.data.rows import Row
from clt_jobs.data.templates import render_prompt
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.prepare import Template


@dataclass(frozen=True, slots=True)
class Prompt:
    """``tokens`` are what the model reads; ``cut`` is how many were dropped from the left."""

    text: str
    tokens: tuple[int, ...]
    cut: int = 0

    @property
    def sha256(self) -> str:
        return sha256(self.text.encode()).hexdigest()


def make_prompts(
    template: Template, rows: Sequence[Row], shots: Sequence[Row], tokenizer: Any, limit: int
) -> list[Prompt]:
    """One prompt per row, of at most ``limit`` tokens: the start is cut, not the question.

    Raises InputError where a prompt has no token at all.
    """
    texts = [render_prompt(template, row, shots=shots, tokenizer=tokenizer) for row in rows]
    encoded = encode_prompts(tokenizer, texts, chat=template.chat)
    prompts = []
    for row, text, tokens in zip(rows, texts, encoded, strict=True):
        if not tokens:
            raise InputError(f"row {row.id!r}: the prompt is empty; check the task's template")
        cut = max(0, len(tokens) - limit)
        prompts.append(Prompt(text, tuple(tokens[cut:]), cut))
    return prompts


def prompt_limit(model: Any, max_length: int, reserved: int) -> int:
    """Tokens that a prompt may have: ``max_length``, and what the model's positions leave
    beside ``reserved`` tokens after it.

    Raises InputError where they leave nothing.
    """
    positions = getattr(model.config, "max_position_embeddings", None)
    limit = max_length if positions is None else min(max_length, positions - reserved)
    if limit < 1:
        raise InputError(
            f"the model has {positions} positions: {reserved} new tokens leave no room for a "
            f"prompt; lower generation.maxNewTokens"
        )
    return limit
