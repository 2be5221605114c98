"""What a study will cost, from a stated model, before anything runs.

Training takes 6 FLOPs per parameter and token, reading a prompt or writing an answer 2
(Kaplan et al. 2020, arXiv 2001.08361, section 2.1: dense matrix products, attention left
out). Time is FLOPs over what a device delivers; memory is weights, gradients and the two
AdamW moments, activations left out; bytes are the two checkpoints that a training keeps.
Every assumption is part of the answer, and a model of unknown size makes the totals unknown,
never zero.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from clt_operator.api.lock import Lock, ModelLock, model_request
from clt_operator.api.metrics import METRICS
from clt_operator.api.spec.experiment import ExperimentSpec
from clt_operator.api.spec.model import ModelSpec
from clt_operator.plan.build import Plan
from clt_operator.plan.evaluations import evaluated_tasks
from clt_operator.plan.power import minimum_detectable_effect
from clt_operator.plan.sweeps import Point
from clt_operator.plan.trainings import optimiser_steps


@dataclass(frozen=True)
class Assumptions:
    """Figures that stand in for what is not measured yet."""

    tokens_per_row: int = 256
    prompt_tokens_per_item: int = 256
    device_flops: float = 989e12  # dense bf16 of one H100 SXM
    utilisation: float = 0.35
    items_where_all: int = 250  # where a task evaluates all items and their number is unknown


@dataclass(frozen=True)
class Prediction:
    """None stands for: not known. Units are in the names."""

    rows: int
    tokens: int
    optimiser_steps: int
    train_flops: float | None
    evaluate_flops: float | None
    gpu_hours: float | None
    memory_bytes_per_training: int | None
    stored_bytes: int | None
    unknown_models: list[str]
    minimum_detectable_effect: dict[str, float]
    assumptions: dict[str, Any]


def predict(plan: Plan, lock: Lock, assumptions: Assumptions | None = None) -> Prediction:
    """The cost of every distinct training and evaluation of a plan."""
    assumed = assumptions or Assumptions()
    sizes = {model.name: parameters_of(plan.spec, lock, model) for model in plan.spec.models}
    distinct = dict(zip(plan.trainings, plan.points, strict=True))
    used = {point.model for point in plan.points}
    unknown = sorted(name for name in used if not sizes[name])
    rows = steps = 0
    train = evaluate = stored = 0.0
    largest = 0
    for point in distinct.values():
        count = row_count(point, assumed)
        size = sizes[point.model] or 0
        rows += count
        steps += point.setting.spec.train.steps or optimiser_steps(count, point.setting.spec.train)
        train += 6.0 * size * trained_rows(point, count) * assumed.tokens_per_row
        evaluate += evaluation_flops(point, size, assumed)
        stored += 2 * _bytes_per_parameter(point) * size
        largest = max(largest, 16 * size)
    known = not unknown
    hours = (train + evaluate) / (assumed.device_flops * assumed.utilisation) / 3600
    return Prediction(
        rows=rows,
        tokens=rows * assumed.tokens_per_row,
        optimiser_steps=steps,
        train_flops=train if known else None,
        evaluate_flops=evaluate if known else None,
        gpu_hours=hours if known else None,
        memory_bytes_per_training=largest if known else None,
        stored_bytes=int(stored) if known else None,
        unknown_models=unknown,
        minimum_detectable_effect=dict(detectable(plan.spec)),
        assumptions=asdict(assumed),
    )


def parameters_of(spec: ExperimentSpec, lock: Lock, model: ModelSpec) -> int | None:
    """Parameters of a model: from the lock, as the spec states, or of what its stage starts
    from."""
    held = lock.models.get(model_request(model), ModelLock(source=model.source)).parameters
    if held or model.parameters:
        return held or model.parameters
    if model.source.startswith("stage:"):
        name = model.source.removeprefix("stage:")
        start = next(stage.model for stage in spec.stages if stage.name == name)
        return parameters_of(spec, lock, next(m for m in spec.models if m.name == start))
    if model.source.startswith("init:"):
        return _fresh_parameters(model.architecture)
    return None


def _fresh_parameters(architecture: dict[str, Any]) -> int | None:
    """Blocks of a Llama-shaped decoder; embeddings are small and not known yet."""
    layers, hidden = architecture.get("layers"), architecture.get("hidden")
    if not layers or not hidden:
        return None
    inner = architecture.get("intermediate", 4 * hidden)
    return int(layers * (4 * hidden**2 + 3 * hidden * inner))


def row_count(point: Point, assumed: Assumptions) -> int:
    """Rows of the mixture; quotas in tokens are turned into rows by the assumed length."""
    total = sum(count for _, _, count in point.quotas)
    if point.setting.sweep.unit == "samples":
        return total
    return total // assumed.tokens_per_row


def trained_rows(point: Point, rows: int) -> float:
    train = point.setting.spec.train
    return train.steps * train.batch_size if train.steps else rows * train.epochs


def evaluation_flops(point: Point, size: int, assumed: Assumptions) -> float:
    """2 FLOPs per parameter for every token read or written, over all cells of one model."""
    spec = point.setting.spec
    tokens = 0
    for task in evaluated_tasks(spec, point.tasks):
        items = task.test_items or (task.test.items if task.test else 0) or assumed.items_where_all
        prompt = assumed.prompt_tokens_per_item * (1 + task.generation.shots)
        for kind in {METRICS[metric].records for metric in task.metrics}:
            written = task.generation.max_new_tokens if kind == "generate" else 8
            tokens += items * (prompt + written)
    return 2.0 * size * tokens * len(spec.languages.evaluate)


def _bytes_per_parameter(point: Point) -> int:
    return 2 if point.setting.spec.train.precision == "bf16" else 4


def detectable(spec: ExperimentSpec) -> Iterable[tuple[str, float]]:
    """For every tested task's primary metric: the difference between two points that 80 % of
    studies of this size would find, in the metric's unit."""
    for task in evaluated_tasks(spec, tuple(t.name for t in spec.tasks)):
        items = task.test_items or (task.test.items if task.test else 0)
        info = METRICS[task.metrics[0]]
        effect = minimum_detectable_effect(
            items or Assumptions().items_where_all,
            len(spec.seeds),
            sd=info.standard_deviation,
            seed_sd=0.037 * info.standard_deviation,  # the reference study's, scaled from shares
            confidence=spec.report.confidence,
        )
        yield f"{task.name}/{task.metrics[0]}", round(effect, 4)
