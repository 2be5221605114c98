"""The checkpoint that the cells of a Job share: loaded once, kept until another is asked for.

A Job runs many cells of one checkpoint in one process, and loading takes longer than a cell.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from clt_jobs.models.load import load_model, load_tokenizer
from clt_operator.api.errors import InputError


@dataclass(frozen=True)
class Checkpoint:
    """A causal model in evaluation mode with its tokenizer; ``stops`` are its end tokens."""

    model: Any
    tokenizer: Any
    stops: frozenset[int]
    pad: int


def open_checkpoint(directory: Path, precision: str) -> Checkpoint:
    """The checkpoint of a directory; the last one opened is kept in memory.

    The directory is an artifact's output and immutable, so its path names its content.
    """
    return _open(directory.resolve(), precision)


@lru_cache(maxsize=1)
def _open(directory: Path, precision: str) -> Checkpoint:
    import torch

    model = load_model(directory, precision)
    if getattr(model.config, "is_encoder_decoder", False):
        raise InputError(
            f"{type(model).__name__} is an encoder-decoder: generate and likelihood read causal "
            f"models"
        )
    if torch.cuda.is_available():
        model = model.to("cuda")
    tokenizer = load_tokenizer(directory)
    stops = _end_tokens(tokenizer.eos_token_id)
    stops |= _end_tokens(getattr(model.generation_config, "eos_token_id", None))
    pad = tokenizer.pad_token_id
    return Checkpoint(model, tokenizer, stops, 0 if pad is None else int(pad))


def _end_tokens(value: Any) -> frozenset[int]:
    if value is None:
        return frozenset()
    return frozenset(value) if isinstance(value, list | tuple | set) else frozenset([int(value)])
