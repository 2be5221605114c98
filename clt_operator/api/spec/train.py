"""How a model is trained. Everything here decides the result and is part of the key."""

from typing import Any, Literal

from pydantic import Field

from clt_operator.api.base import SpecModel
from clt_operator.api.spec.names import Count, Name, PositiveCount


class TrainSpec(SpecModel):
    method: Literal["full", "adapter"] = "full"
    adapter: dict[str, Any] = Field({}, description="Arguments of the adapter (LoRA).")
    objective: Name = "causal_lm"
    objective_parameters: dict[str, Any] = Field({}, description="Belong to the objective.")
    batch_size: PositiveCount = 64
    batch_unit: Literal["rows", "tokens"] = "rows"
    learning_rate: float = Field(1e-5, gt=0, le=10)
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    warmup_steps: Count = 0
    optimizer: Literal["adamw"] = "adamw"
    weight_decay: float = Field(0.0, ge=0, le=10)
    beta1: float = Field(0.9, ge=0, lt=1)
    beta2: float = Field(0.999, ge=0, lt=1)
    gradient_clip: float = Field(1.0, ge=0, description="Global norm; 0: off.")
    epochs: float = Field(1.0, gt=0, le=10_000)
    steps: Count = Field(0, description="Above 0: exactly so many optimiser steps.")
    precision: Literal["fp32", "bf16"] = "fp32"
    loss_weight: Literal["token", "row", "language"] = "token"
    eval_every_steps: Count = Field(0, description="0: validation at the end only.")
    validation_items: Count = Field(
        0, description="Items of every mixture component held out for validation."
    )
    select: Literal["last", "mixture_loss", "pivot_loss"] = "last"
    max_repeats: PositiveCount = Field(
        1, description="How often rows may repeat where a source runs out; 1: that is an error."
    )
