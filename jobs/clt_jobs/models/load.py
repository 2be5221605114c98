"""Load and save models and tokenizers: from a directory, never from a hub, never a pickle.

Importing ``transformers`` costs seconds, so each function imports only what it needs: a
tokenizer needs no torch, a model only its own family.
"""

import json
from pathlib import Path
from typing import Any

from clt_operator.api.errors import InputError

PRECISIONS = ("fp32", "bf16")
_CAUSAL = ("ForCausalLM", "LMHeadModel")


def load_model(directory: Path, precision: str = "fp32") -> Any:
    """A causal language model (``PreTrainedModel``) in evaluation mode.

    ``precision`` is fp32 or bf16: the type of all parameters. Raises InputError where the
    directory holds no such model, naming it.
    """
    if precision not in PRECISIONS:
        raise InputError(f"precision {precision!r} is not one of {', '.join(PRECISIONS)}")
    family = _model_class(directory)
    import torch

    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    try:
        model = family.from_pretrained(
            directory, dtype=dtype, use_safetensors=True, local_files_only=True
        )
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{directory}: cannot be loaded as a model: {error}") from error
    return model.eval()


def load_tokenizer(directory: Path) -> Any:
    """A tokenizer (``PreTrainedTokenizerBase``) with a padding token (end of sequence where
    it has none of its own). The padding side is the caller's.

    Raises InputError where the directory has no ``tokenizer.json``.
    """
    if not (directory / "tokenizer.json").is_file():
        raise InputError(f"{directory}: no tokenizer.json; fetch the model again")
    from transformers.tokenization_utils_tokenizers import PreTrainedTokenizerFast

    try:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(directory, local_files_only=True)
    except Exception as error:  # the tokenizers library raises bare Exception
        raise InputError(f"{directory}: cannot be loaded as a tokenizer: {error}") from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    return forget_origin(tokenizer)


def save_model(model: Any, tokenizer: Any, directory: Path) -> None:
    """Writes a directory that ``load_model`` and ``load_tokenizer`` read; safetensors only.

    The bytes are a function of weights, configuration and tokenizer: no paths, no times.
    """
    silence_bars()
    model.save_pretrained(directory)
    save_tokenizer(tokenizer, directory)


def save_tokenizer(tokenizer: Any, directory: Path) -> None:
    """The tokenizer's files alone."""
    directory.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(directory)


def forget_origin(tokenizer: Any) -> Any:
    """The tokenizer without how it was loaded, which it would write to its files."""
    for name in ("is_local", "local_files_only", "gguf_file", "name_or_path"):
        tokenizer.init_kwargs.pop(name, None)
    return tokenizer


def silence_bars() -> None:
    """No progress bars in logs: steps report progress themselves."""
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()


def read_config(directory: Path) -> dict[str, Any]:
    """``config.json`` of a model directory. Raises InputError where there is none."""
    try:
        config = json.loads((directory / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{directory}: no config.json, so no model directory") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{directory}/config.json: cannot be read: {error}") from error
    if not isinstance(config, dict):
        raise InputError(f"{directory}/config.json: expected an object")
    return config


def _model_class(directory: Path) -> Any:
    """The class that the configuration names, imported alone."""
    config = read_config(directory)
    names = config.get("architectures") or ["(none)"]
    if not str(names[0]).endswith(_CAUSAL):
        raise InputError(f"{directory}: architecture {names[0]} is no causal language model")
    import transformers

    silence_bars()
    family = getattr(transformers, names[0], None)
    if family is None:
        raise InputError(
            f"{directory}: transformers {transformers.__version__} does not know {names[0]}, and "
            f"code that comes with a model is never run"
        )
    return family
