"""Load and save models and tokenizers: from a directory, never from a hub, never a pickle."""

from pathlib import Path
from typing import Any


def load_model(directory: Path, precision: str = "fp32") -> Any:
    """A causal language model (``PreTrainedModel``) in evaluation mode.

    ``precision`` is fp32 or bf16: the type of all parameters.
    """
    raise NotImplementedError


def load_tokenizer(directory: Path) -> Any:
    """A tokenizer (``PreTrainedTokenizerBase``) with a padding token (end of sequence where
    it has none of its own). The padding side is the caller's."""
    raise NotImplementedError


def save_model(model: Any, tokenizer: Any, directory: Path) -> None:
    """Writes a directory that ``load_model`` and ``load_tokenizer`` read; safetensors only."""
    raise NotImplementedError
