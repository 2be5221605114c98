"""Memory of one training on one device, from a stated model.

Weights, gradients and the two AdamW moments are 4 bytes each. A transformer layer keeps
activations for the backward pass: Korthikanti et al. 2023 (arXiv 2205.05198, equation 1) count
34 bytes per token and hidden unit at 16 bits; without dropout masks and with attention that keeps
no matrix that is 16 values, and a gated MLP of 8/3 of the hidden size keeps 4 more (counted on
Llama blocks: 19.4 to 26.0). Logits are made where tokens are supervised, and cross-entropy holds
them three times: as they are, as log-probabilities, as gradients. Python and torch themselves
take about half a GiB more.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from clt_operator.api.lock import Lock, ModelLock, model_request
from clt_operator.api.spec.compute import ResourcesSpec
from clt_operator.api.spec.experiment import ExperimentSpec
from clt_operator.api.spec.model import ModelSpec

BYTES_PER_PARAMETER = 16
VALUES_PER_LAYER = 20  # per token and hidden unit
LOGIT_BYTES = 12  # per supervised token and entry of the vocabulary: three times float32

_UNITS = {
    "": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40,
}  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """Of a model; 0 where it is not known, and what depends on it is left out."""

    layers: int = 0
    hidden: int = 0
    vocabulary: int = 0


UNKNOWN = Shape()


@dataclass(frozen=True)
class MicroBatch:
    """What one device works on at a time."""

    rows: int
    tokens: int  # of a row
    supervised: int  # of these


def training_bytes(parameters: int, shape: Shape, batch: MicroBatch, precision: str) -> int:
    """Bytes of weights, their companions, activations and logits."""
    width = 2 if precision == "bf16" else 4
    layers = shape.layers * shape.hidden * VALUES_PER_LAYER * width
    logits = shape.vocabulary * LOGIT_BYTES
    held = batch.rows * (batch.tokens * layers + batch.supervised * logits)
    return BYTES_PER_PARAMETER * parameters + held


def shape_of(spec: ExperimentSpec, lock: Lock, model: ModelSpec) -> Shape:
    """From the lock, the architecture, or what a stage starts from."""
    if model.source.startswith("stage:"):
        name = model.source.removeprefix("stage:")
        start = next(stage.model for stage in spec.stages if stage.name == name)
        return shape_of(spec, lock, next(m for m in spec.models if m.name == start))
    held = lock.models.get(model_request(model), ModelLock(source=model.source))
    own = model.architecture
    layers, hidden = held.layers or own.get("layers"), held.hidden or own.get("hidden")
    if not isinstance(layers, int) or not isinstance(hidden, int):
        return UNKNOWN
    return Shape(layers, hidden, held.vocabulary or 0)


def warnings(predicted: int, resources: ResourcesSpec, shapeless: Sequence[str]) -> Iterator[str]:
    """What will not fit, and what was left out. On a GPU the memory is the device's, which no
    spec asks for."""
    if shapeless:
        names = ", ".join(shapeless)
        yield f"predicted memory leaves activations out: the layers of {names} are not known"
    asked = bytes_of(resources.memory)
    if not resources.gpus and predicted > asked:
        yield (
            f"training needs about {predicted / 2**30:.1f} GiB, compute.train.memory asks for "
            f"{resources.memory}: raise it, or lower compute.train.microBatchSize (no result "
            "depends on either)"
        )


def bytes_of(quantity: str) -> int:
    """Bytes of a quantity of memory such as 4Gi."""
    number, unit = re.fullmatch(r"([0-9.]+)([A-Za-z]*)", quantity, re.ASCII).groups()  # type: ignore[union-attr]
    return round(float(number) * _UNITS[unit])
