"""train: one model from a base and an exact mixture.

Inputs: ``model`` (a model directory), and one ``tokens`` input per component, named by it.
Outputs: ``checkpoint/last`` and ``checkpoint/selected`` (model directories that
``transformers`` loads, tokenizer included), ``metrics`` (``metrics.jsonl``: one line per log
step: step, samples, tokens, supervised_tokens, loss, loss by language and by task,
learning_rate, grad_norm; and lines of validation), ``mixture`` (``mixture.json``: asked
against got per component, in samples, tokens and supervised tokens, unique and repeated) and
``selection`` (``selection.json``: what every policy would have chosen).
"""

from typing import Any, ClassVar, Literal

from clt_operator.api.base import Params, Record


class Component(Record):
    """One part of a mixture. ``input`` names the step's input that holds its tokens."""

    input: str
    task: str
    language: str
    quota: int  # in the mixture's unit
    everything: bool = False  # all rows but validation; the quota is then not looked at
    validation: int = 0  # items held out for validation, from the far end of the permutation


class Match(Record):
    """Scale all quotas by one factor so that the mixture's total meets a reference's.

    ``quotas`` is the reference: samples per component input, e.g. those of the baseline.
    """

    unit: Literal["tokens", "supervised_tokens"] = "supervised_tokens"
    quotas: dict[str, int]


class Mixture(Record):
    components: list[Component]
    unit: Literal["samples", "tokens", "supervised_tokens"] = "samples"
    alignment: Literal["parallel", "independent", "disjoint"] = "parallel"
    subset_seed: int = 0  # which items of a source are used: one permutation, nested prefixes
    order_seed: int = 0  # in which order they are seen
    max_repeats: int = 1  # a source that runs out is an error unless this is above 1
    match: Match | None = None


class Optimiser(Record):
    name: str = "adamw"
    learning_rate: float
    schedule: Literal["constant", "linear", "cosine"] = "constant"
    warmup_steps: int = 0
    weight_decay: float = 0.0
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    gradient_clip: float = 1.0  # global norm; 0 is off


class Objective(Record):
    """What is minimised; ``parameters`` belong to the plug-in of that name."""

    name: str = "causal_lm"
    parameters: dict[str, Any] = {}


class TrainParams(Params):
    """Hints: ``micro_batch_size``, ``threads``, ``save_every_seconds``."""

    kind: ClassVar[str] = "train"
    together: ClassVar[bool] = True
    mixture: Mixture
    optimiser: Optimiser
    objective: Objective = Objective()
    method: Literal["full", "adapter"] = "full"
    adapter: dict[str, Any] = {}  # peft LoraConfig arguments
    batch_size: int
    batch_unit: Literal["rows", "tokens"] = "rows"
    epochs: float = 1.0
    steps: int = 0  # above 0: exactly so many optimiser steps, whatever the epochs
    loss_weight: Literal["token", "row", "language"] = "token"
    precision: Literal["fp32", "bf16"] = "fp32"
    init_seed: int = 0
    evaluate_every_steps: int = 0  # 0: only at the end
    select: Literal["last", "mixture_loss", "pivot_loss"] = "last"
    pivot: str = "en"
