"""How a model is trained. Everything here decides the result and is part of the key."""

from typing import Literal

from pydantic import Field

from clt_operator.api.base import SpecModel
from clt_operator.api.spec.names import Count, Name, Parameters, PositiveCount


class TrainSpec(SpecModel):
    method: Literal["full", "adapter"] = Field("full", description="All weights, or an adapter.")
    adapter: Parameters = Field({}, description="Arguments of the adapter (LoRA).")
    objective: Name = Field("causal_lm", description="What is minimised.")
    objective_parameters: Parameters = Field({}, description="Belong to the objective.")
    batch_size: PositiveCount = Field(
        64, description="Size of one optimiser step, over all devices."
    )
    batch_unit: Literal["rows", "tokens"] = Field("rows", description="What batchSize counts.")
    learning_rate: float = Field(1e-5, gt=0, le=10, description="Peak learning rate.")
    schedule: Literal["constant", "linear", "cosine"] = Field(
        "constant", description="Course of the learning rate after the warm-up."
    )
    warmup_steps: Count = Field(0, description="Steps of linear growth to the peak.")
    optimizer: Literal["adamw"] = Field("adamw", description="Rule of the update.")
    weight_decay: float = Field(0.0, ge=0, le=10, description="Decoupled weight decay.")
    beta1: float = Field(0.9, ge=0, lt=1, description="Decay of the mean of gradients.")
    beta2: float = Field(0.999, ge=0, lt=1, description="Decay of the mean of squared gradients.")
    gradient_clip: float = Field(1.0, ge=0, le=1e9, description="Global norm; 0: off.")
    epochs: float = Field(
        1.0, gt=0, le=10_000, description="Passes over the mixture, also broken ones."
    )
    steps: Count = Field(0, description="Above 0: exactly so many optimiser steps.")
    precision: Literal["fp32", "bf16"] = Field(
        "fp32", description="Arithmetic of the forward and backward pass."
    )
    loss_weight: Literal["token", "row", "language"] = Field(
        "token",
        description="What has equal weight in the loss: every supervised token, row or language.",
    )
    eval_every_steps: Count = Field(0, description="0: validation at the end only.")
    validation_items: Count = Field(
        0, description="Items of every mixture component held out for validation."
    )
    select: Literal["last", "mixture_loss", "pivot_loss"] = Field(
        "last",
        description="Checkpoint that is evaluated: the last, or the one with the least validation "
        "loss on the run's own mixture or on the pivot.",
    )
    max_repeats: PositiveCount = Field(
        1, description="How often rows may repeat where a source runs out; 1: that is an error."
    )
