"""The model of a training: base, adapter, and the directory that comes out of it.

A finished model is always built anew from the base and the weights that training changed, so
that the last and the selected checkpoint, sharded or not, take the same way. An adapter is
merged into the base: what reads a checkpoint need not know how it was trained.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from clt_jobs.models.load import load_model, load_tokenizer, save_model
from clt_jobs.train.runtime import seed_everything
from clt_jobs.train.state import put_weights
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.train import TrainParams


def build_model(params: TrainParams, directory: Path) -> Any:
    """The base in fp32 (mixed precision keeps master weights), with adapters where asked for."""
    model = load_model(directory, "fp32")
    if params.method == "full":
        for parameter in model.parameters():
            parameter.requires_grad_(True)
        return model
    from peft import LoraConfig, get_peft_model

    seed_everything(params.init_seed)
    try:
        config = LoraConfig(task_type="CAUSAL_LM", **params.adapter)
        return get_peft_model(model, config)
    except (TypeError, ValueError) as error:
        raise InputError(f"adapter: {error} (arguments of peft's LoraConfig)") from error


def export_model(
    params: TrainParams, base: Path, weights: Mapping[str, torch.Tensor], directory: Path
) -> None:
    """Writes the model directory of some weights, with the base's tokenizer.

    Stored in the precision of the training: bf16 halves what a store keeps.
    """
    model = build_model(params, base)
    put_weights(model, weights)
    if params.method == "adapter":
        model = model.merge_and_unload()
    if params.precision == "bf16":
        model = model.to(torch.bfloat16)
    save_model(model, load_tokenizer(base), directory)
