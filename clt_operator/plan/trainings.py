"""A point becomes a train step: its mixture, its optimiser, the model that it starts from."""

from functools import cached_property, lru_cache

from clt_operator.api.kinds.train import (
    Component,
    Match,
    Mixture,
    Objective,
    Optimiser,
    TrainParams,
)
from clt_operator.api.spec.experiment import ExperimentSpec
from clt_operator.api.spec.names import split_source
from clt_operator.api.spec.sweep import StageSpec
from clt_operator.api.spec.train import TrainSpec
from clt_operator.api.step import Input, Step
from clt_operator.plan.builder import Builder
from clt_operator.plan.sources import Reading, Sources
from clt_operator.plan.sweeps import Point, Quotas, Seeds, seeds_of


class Trainings:
    def __init__(self, builder: Builder, sources: Sources) -> None:
        self._builder = builder
        self._sources = sources
        self._starts: dict[tuple[int, str], tuple[ExperimentSpec, Reading, Reading]] = {}

    @cached_property
    def _pivot(self) -> str:
        return self._builder.spec.languages.pivot

    def start(self, spec: ExperimentSpec, name: str) -> tuple[Reading, Reading]:
        """What a run of this model starts from: (its weights, its tokenizer)."""
        memo = (id(spec), name)
        if memo not in self._starts:
            model = next(model for model in spec.models if model.name == name)
            scheme, rest = split_source(model.source)
            if scheme == "stage":
                stage = next(stage for stage in spec.stages if stage.name == rest)
                _, tokenizer = self.start(spec, stage.model)
                weights = (self.stage(spec, stage).key, "checkpoint/selected")
            else:
                text = self._text(spec, name) if scheme == "init" else ()
                key = self._sources.model(model, text).key
                weights, tokenizer = (key, "model"), (key, "tokenizer")
            self._starts[memo] = (spec, weights, tokenizer)
        _, weights, tokenizer = self._starts[memo]
        return weights, tokenizer

    def _text(self, spec: ExperimentSpec, name: str) -> tuple[Reading, ...]:
        """Rows whose characters a fresh model must know."""
        tasks = {task.name: task for task in spec.tasks}
        return tuple(
            self._sources.rows(tasks[task], "train", language)
            for task, language in texts_of(spec, name)
        )

    def stage(self, spec: ExperimentSpec, stage: StageSpec) -> Step:
        """The training of a stage; a count of 0 asks for all rows that the source has."""
        quotas = tuple((t, lang, stage.samples) for t in stage.tasks for lang in stage.languages)
        train = stage.train or spec.train
        seeds = Seeds(stage.seed, stage.seed, stage.seed, stage.seed)
        mixture = Mixture(
            components=self._components(quotas, train),
            unit=stage.unit,
            alignment=stage.alignment,
            subset_seed=seeds.subset,
            order_seed=seeds.order,
            max_repeats=train.max_repeats,
        )
        labels = {"model": stage.name, "stage": stage.name, "task": "+".join(stage.tasks)}
        params = train_params(train, mixture, seeds, pivot=self._pivot)
        return self._train(spec, stage.model, params, labels)

    def point(self, point: Point) -> Step:
        """The training of a sweep's point."""
        spec, sweep = point.setting.spec, point.setting.sweep
        train = spec.train
        seeds = seeds_of(point.seed, spec.seed_policy)
        match = None
        if point.control == "token_matched":
            match = Match(quotas={f"{t}/{lang}": count for t, lang, count in point.baseline})
        mixture = Mixture(
            components=self._components(point.quotas, train),
            unit=sweep.unit,
            alignment=sweep.alignment,
            subset_seed=seeds.subset,
            order_seed=seeds.order,
            max_repeats=train.max_repeats,
            match=match,
        )
        labels = {
            "model": point.model,
            "task": "+".join(point.tasks),
            "mix": point.mix if len(point.quotas) > len(point.tasks) else "",
            "k": str(point.k),
            "seed": str(point.seed),
            "sweep": point.sweep,
            **({"control": point.control} if point.control else {}),
        }
        params = train_params(train, mixture, seeds, pivot=self._pivot, steps=run_steps(point))
        return self._train(spec, point.model, params, labels)

    def _components(self, quotas: Quotas, train: TrainSpec) -> list[Component]:
        """Sorted by task and language: the order in which a mix is declared decides nothing.
        A count of 0 (of a stage) asks for everything."""
        return [
            component(task, language, count, train.validation_items)
            for task, language, count in sorted(quotas)
        ]

    def _train(
        self,
        spec: ExperimentSpec,
        model: str,
        params: TrainParams,
        labels: dict[str, str],
    ) -> Step:
        weights, tokenizer = self.start(spec, model)
        tasks = {task.name: task for task in spec.tasks}
        inputs = [Input("model", *weights)]
        for part in params.mixture.components:
            tokens = self._sources.tokens(tasks[part.task], part.language, tokenizer)
            inputs.append(Input(part.input, tokens.key, "tokens"))
        builder = self._builder
        resources = spec.compute.train
        hints = builder.hints(resources, "", micro_batch_size=resources.micro_batch_size)
        return builder.add(builder.work(params), tuple(inputs), labels, hints)


def texts_of(spec: ExperimentSpec, model: str) -> list[tuple[str, str]]:
    """(task, language) of the training rows that a fresh model's tokenizer is made from: those
    of the stages that start from it; without stages, those that the sweeps may train on."""
    stages = [stage for stage in spec.stages if stage.model == model]
    if stages:
        wanted = [(t, code) for stage in stages for t in stage.tasks for code in stage.languages]
    else:
        mixed = [code for mix in spec.languages.mixes.values() for code in mix]
        trained = [task.name for task in spec.tasks if task.train]
        wanted = [(t, code) for t in trained for code in (spec.languages.pivot, *mixed)]
    return sorted(set(wanted))


@lru_cache(maxsize=4096)
def component(task: str, language: str, count: int, validation: int) -> Component:
    """A part of a mixture; the runs of a study share theirs, which saves much of its memory."""
    return Component(
        input=f"{task}/{language}",
        task=task,
        language=language,
        quota=count,
        everything=not count,
        validation=validation,
    )


def train_params(
    train: TrainSpec, mixture: Mixture, seeds: Seeds, *, pivot: str, steps: int | None = None
) -> TrainParams:
    """The parameters of a training; ``steps`` replaces those of the spec."""
    return TrainParams(
        mixture=mixture,
        optimiser=Optimiser(
            name=train.optimizer,
            learning_rate=train.learning_rate,
            schedule=train.schedule,
            warmup_steps=train.warmup_steps,
            weight_decay=train.weight_decay,
            beta1=train.beta1,
            beta2=train.beta2,
            gradient_clip=train.gradient_clip,
        ),
        objective=Objective(name=train.objective, parameters=train.objective_parameters),
        method=train.method,
        adapter=train.adapter,
        batch_size=train.batch_size,
        batch_unit=train.batch_unit,
        epochs=train.epochs,
        steps=train.steps if steps is None else steps,
        loss_weight=train.loss_weight,
        precision=train.precision,
        init_seed=seeds.init,
        evaluate_every_steps=train.eval_every_steps,
        select=train.select,
        pivot=pivot,
    )


def run_steps(point: Point) -> int:
    """The fixed number of steps of a run, 0 where its epochs decide: as many as k = 0 takes,
    for the control that equals them."""
    train = point.setting.spec.train
    if point.control == "equal_steps" and not train.steps:
        return optimiser_steps(sum(count for _, _, count in point.baseline), train)
    return train.steps


def optimiser_steps(rows: int, train: TrainSpec) -> int:
    """Steps over so many rows: the last batch of an epoch may be short, none is dropped."""
    return max(1, -(-int(rows * train.epochs) // train.batch_size))
