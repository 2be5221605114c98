"""What a study will cost, from a stated model, before anything runs.

Training takes 6 FLOPs per parameter and token, reading a prompt or writing an answer 2
(Kaplan et al. 2020, arXiv 2001.08361, section 2.1: dense matrix products, attention left
out). Time is FLOPs over what a device delivers; bytes are the two checkpoints that a training
keeps; memory is in ``plan.memory``. Every assumption is part of the answer, and a model of
unknown size makes the totals unknown, never zero.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from clt_operator.api.lock import Lock, ModelLock, data_request, model_request
from clt_operator.api.metrics import METRICS
from clt_operator.api.spec.compute import ResourcesSpec
from clt_operator.api.spec.experiment import ExperimentSpec
from clt_operator.api.spec.model import ModelSpec
from clt_operator.api.spec.task import TaskSpec
from clt_operator.api.spec.train import TrainSpec
from clt_operator.plan.build import Plan
from clt_operator.plan.evaluations import evaluated_tasks
from clt_operator.plan.memory import UNKNOWN, MicroBatch, Shape, shape_of, training_bytes, warnings
from clt_operator.plan.power import minimum_detectable_effect
from clt_operator.plan.sweeps import Point
from clt_operator.plan.trainings import optimiser_steps, run_steps


@dataclass(frozen=True)
class Assumptions:
    """Figures that stand in for what is not measured yet."""

    tokens_per_row: int = 256
    supervised_tokens_per_row: int = 64
    prompt_tokens_per_item: int = 256
    device_flops: float = 989e12  # dense bf16 of one H100 SXM
    utilisation: float = 0.35
    items_where_all: int = 250  # where a task evaluates all items and their number is unknown


@dataclass(frozen=True)
class Prediction:
    """None stands for: not known. Units are in the names."""

    rows: int | None
    tokens: int | None
    optimiser_steps: int | None
    train_flops: float | None
    evaluate_flops: float | None
    gpu_hours: float | None
    memory_bytes_per_training: int | None
    stored_bytes: int | None
    unknown_models: list[str]
    warnings: list[str]
    minimum_detectable_effect: dict[str, float]
    assumptions: dict[str, Any]


def predict(plan: Plan, lock: Lock, assumptions: Assumptions | None = None) -> Prediction:
    """The cost of every distinct training, stages included, and of every evaluation."""
    assumed = assumptions or Assumptions()
    sizes = {model.name: parameters_of(plan.spec, lock, model) for model in plan.spec.models}
    shapes = {model.name: shape_of(plan.spec, lock, model) for model in plan.spec.models}
    trainings = [
        replace(training, shape=shapes[training.model])
        for training in (*_stages(plan, lock, sizes), *_runs(plan, sizes, assumed))
    ]
    subjects = list(_subjects(plan).values())
    unknown = sorted({t.model for t in trainings if not t.size})
    rows = [t.rows for t in trainings]
    counted = None not in rows
    total = sum(count for count in rows if count)
    train = sum(6.0 * t.size * t.visits(assumed) * assumed.tokens_per_row for t in trainings)
    evaluate = sum(evaluation_flops(p, sizes[p.model] or 0, assumed) for p in subjects)
    known = not unknown and counted
    shapeless = sorted({t.model for t in trainings if t.shape == UNKNOWN and t.size})
    memory = max(t.memory(plan.spec.compute.train, assumed) for t in trainings)
    hours = (train + evaluate) / (assumed.device_flops * assumed.utilisation) / 3600
    return Prediction(
        rows=total if counted else None,
        tokens=total * assumed.tokens_per_row if counted else None,
        optimiser_steps=sum(t.steps(assumed) for t in trainings) if counted else None,
        train_flops=train if known else None,
        evaluate_flops=evaluate if not unknown else None,
        gpu_hours=hours if known else None,
        memory_bytes_per_training=memory if not unknown else None,
        stored_bytes=sum(t.stored for t in trainings) if not unknown else None,
        unknown_models=unknown,
        warnings=list(warnings(memory, plan.spec.compute.train, shapeless)),
        minimum_detectable_effect=dict(detectable(plan.spec)),
        assumptions=asdict(assumed),
    )


@dataclass(frozen=True)
class Training:
    """One distinct training. ``rows`` of one pass, None where a stage takes all of a source
    whose rows are not counted yet; ``fixed`` steps, 0 where the passes decide."""

    model: str
    size: int  # parameters; 0: unknown
    rows: int | None
    train: TrainSpec
    fixed: int
    shape: Shape = UNKNOWN

    def memory(self, resources: ResourcesSpec, assumed: Assumptions) -> int:
        """Bytes on one device."""
        devices = max(1, resources.gpus) * resources.nodes
        rows = max(1, round(self.train.batch_size / self._unit(assumed) / devices))
        batch = MicroBatch(
            min(rows, resources.micro_batch_size or rows),
            assumed.tokens_per_row,
            assumed.supervised_tokens_per_row,
        )
        return training_bytes(self.size, self.shape, batch, self.train.precision)

    def visits(self, assumed: Assumptions) -> float:
        """Rows read by all steps."""
        if not self.fixed:
            return (self.rows or 0) * self.train.epochs
        return self.fixed * self.train.batch_size / self._unit(assumed)

    def steps(self, assumed: Assumptions) -> int:
        if self.fixed or not self.rows:
            return self.fixed
        return optimiser_steps(self.rows * self._unit(assumed), self.train)

    @property
    def stored(self) -> int:
        """Bytes of the last and of the selected checkpoint."""
        return 2 * self.size * (2 if self.train.precision == "bf16" else 4)

    def _unit(self, assumed: Assumptions) -> int:
        """What a row counts in a batch."""
        return assumed.tokens_per_row if self.train.batch_unit == "tokens" else 1


def _runs(plan: Plan, sizes: dict[str, int | None], assumed: Assumptions) -> Iterator[Training]:
    for point in dict(zip(plan.trainings, plan.points, strict=True)).values():
        train = point.setting.spec.train
        yield Training(
            model=point.model,
            size=sizes[point.model] or 0,
            rows=row_count(point, assumed),
            train=train,
            fixed=run_steps(point),
        )


def _stages(plan: Plan, lock: Lock, sizes: dict[str, int | None]) -> Iterator[Training]:
    tasks = {task.name: task for task in plan.spec.tasks}
    for stage in plan.spec.stages:
        train = stage.train or plan.spec.train
        counts = [
            stage.samples or _held_rows(lock, tasks[name], language)
            for name in stage.tasks
            for language in stage.languages
        ]
        rows = None if None in counts else sum(count for count in counts if count)
        yield Training(stage.model, sizes[stage.model] or 0, rows, train, train.steps)


def _held_rows(lock: Lock, task: TaskSpec, language: str) -> int | None:
    """Training rows of a language, as far as the lock counted them; a split leaves its share."""
    entry = lock.sources.get(data_request(task.train)) if task.train else None
    held = entry.languages.get(language) if entry else None
    if held is None or held.rows is None:
        return None
    return round(held.rows * (1 - task.split.test_fraction)) if task.split else held.rows


def _subjects(plan: Plan) -> dict[str, Point]:
    """Every model that is evaluated, untrained ones too, with a point that says how."""
    places = {(p.sweep, p.model, "+".join(p.tasks), p.setting.coordinates): p for p in plan.points}
    return {
        shown.training: places[
            shown.sweep, shown.model, shown.task, tuple(shown.coordinates.items())
        ]
        for shown in plan.report.points
    }


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
