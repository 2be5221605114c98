"""A tiny causal model of random weights with a character tokenizer, for tests of evaluation."""

from pathlib import Path
from typing import Any

ALPHABET = "0123456789 +-=?abcdefghijklmnopqrstuvwxyzñéü七九加"


def tiny_tokenizer() -> Any:
    from clt_jobs.models.tokenizers import build_tokenizer

    return build_tokenizer("characters", ALPHABET)


def tiny_model(seed: int = 0, *, width: int = 32, layers: int = 2, scale: float = 0.3) -> Any:
    """A Llama; ``scale`` spreads its predictions, so that ties are absent."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    tokenizer = tiny_tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        initializer_range=scale,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
    )
    return LlamaForCausalLM(config).eval()


def save_tiny(directory: Path, seed: int = 0, **shape: Any) -> Path:
    """A directory that the steps load."""
    from clt_jobs.models.load import save_model

    save_model(tiny_model(seed, **shape), tiny_tokenizer(), directory)
    return directory
