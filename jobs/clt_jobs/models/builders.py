"""Models with fresh weights, registered by family.

``architecture`` is what a spec says of sizes; a family names the keys that it knows. Weights
are a function of architecture, vocabulary and seed.
"""

from collections.abc import Callable, Mapping
from typing import Any

from clt_operator.api.errors import InputError

ModelBuilder = Callable[[Mapping[str, Any], Any, int], Any]  # sizes, tokenizer, seed -> model
BUILDERS: dict[str, ModelBuilder] = {}


def model_builder(family: str) -> Callable[[ModelBuilder], ModelBuilder]:
    """Registers a builder under the family that ``architecture`` names."""

    def register(builder: ModelBuilder) -> ModelBuilder:
        BUILDERS[family] = builder
        return builder

    return register


def build_model(architecture: Mapping[str, Any], tokenizer: Any, seed: int) -> Any:
    """A model (``PreTrainedModel``, fp32) with fresh weights.

    Raises InputError for an unknown family, and for sizes that are unknown, missing or wrong.
    """
    sizes = dict(architecture)
    family = sizes.pop("family", "")
    if family not in BUILDERS:
        raise InputError(f"unknown model family {family!r}: known are {', '.join(BUILDERS)}")
    return BUILDERS[family](sizes, tokenizer, seed)


_LLAMA_SIZES = {  # ours -> transformers'
    "layers": "num_hidden_layers",
    "hidden": "hidden_size",
    "heads": "num_attention_heads",
    "kv_heads": "num_key_value_heads",
    "intermediate": "intermediate_size",
    "max_positions": "max_position_embeddings",
}


@model_builder("llama")
def llama(architecture: Mapping[str, Any], tokenizer: Any, seed: int) -> Any:
    """A Llama-shaped decoder.

    ``layers, hidden, heads`` are needed; ``kv_heads`` (default: heads), ``intermediate`` (4 times
    hidden), ``max_positions`` (1024), ``tie`` (embeddings; true) and ``init_std`` (0.02) are not.
    """
    given = {
        "max_positions": 1024,
        "kv_heads": architecture.get("heads"),
        "intermediate": 4 * int(architecture.get("hidden", 0)),
        **architecture,
    }
    tie, deviation = given.pop("tie", True), given.pop("init_std", 0.02)
    known = [*_LLAMA_SIZES, "tie", "init_std"]
    if unknown := sorted(set(given) - set(_LLAMA_SIZES)):
        raise InputError(
            f"model family llama has no size {', '.join(unknown)}: known are {', '.join(known)}"
        )
    for name in _LLAMA_SIZES:
        if not isinstance(given.get(name), int) or given[name] < 1:
            raise InputError(f"architecture.{name} of a llama must be a positive whole number")
    if given["hidden"] % given["heads"] or given["heads"] % given["kv_heads"]:
        raise InputError("architecture: heads must divide hidden, and kv_heads must divide heads")

    import torch
    from transformers.models.llama.configuration_llama import LlamaConfig
    from transformers.models.llama.modeling_llama import LlamaForCausalLM

    config = LlamaConfig(
        **{_LLAMA_SIZES[name]: value for name, value in given.items()},
        vocab_size=len(tokenizer),
        tie_word_embeddings=bool(tie),
        initializer_range=float(deviation),
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(config)
