"""A trained model becomes cells: (task, language, metric), each generated and scored apart."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from clt_operator.api.kinds.generate import GenerateParams
from clt_operator.api.kinds.likelihood import Distractors, LikelihoodParams
from clt_operator.api.kinds.score import ScoreParams
from clt_operator.api.metrics import METRICS
from clt_operator.api.spec.experiment import ExperimentSpec
from clt_operator.api.spec.task import TaskSpec
from clt_operator.api.step import Input, Step, Work
from clt_operator.plan.builder import Builder
from clt_operator.plan.sources import Reading, Sources, template_of


@dataclass(frozen=True, slots=True)
class ScoredCell:
    """One cell of the results, and the score step that fills it."""

    training: str
    task: str
    language: str
    metric: str
    score: str  # key of the score step


@dataclass(frozen=True)
class Subject:
    """A model to evaluate: its weights, the name that results carry, labels, decode seed."""

    training: str
    weights: Reading
    labels: Mapping[str, str]
    decode_seed: int = 0
    hints: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Place:
    task: TaskSpec
    language: str
    labels: Mapping[str, str]


def evaluated_tasks(spec: ExperimentSpec, trained: tuple[str, ...]) -> list[TaskSpec]:
    """The trained tasks that have a test part, and every task that is only ever tested."""
    return [
        task
        for task in spec.tasks
        if (task.test or task.split) and (task.name in trained or not task.train)
    ]


class Evaluations:
    def __init__(self, builder: Builder, sources: Sources) -> None:
        self._builder = builder
        self._sources = sources
        self._works: dict[tuple[Any, ...], tuple[Any, Work]] = {}

    def cells(
        self, spec: ExperimentSpec, subject: Subject, tasks: list[TaskSpec]
    ) -> Iterator[ScoredCell]:
        """The cells of one model, records made once for all metrics that read them."""
        for task in tasks:
            for language in spec.languages.evaluate:
                labels = {**subject.labels, "task": task.name, "language": language}
                place = _Place(task, language, labels)
                made: dict[str, Step] = {}
                for metric in task.metrics:
                    kind = METRICS[metric].records
                    if kind not in made:
                        made[kind] = self._records(kind, spec, subject, place)
                    score = self._score(place, metric, made[kind])
                    yield ScoredCell(subject.training, task.name, language, metric, score.key)

    def _records(self, kind: str, spec: ExperimentSpec, subject: Subject, place: _Place) -> Step:
        task, language = place.task, place.language
        memo = (kind, id(task), language, subject.decode_seed)
        if memo not in self._works:
            make = _generate_params if kind == "generate" else _likelihood_params
            params = make(task, language, subject.decode_seed)
            self._works[memo] = (task, self._builder.work(params))
        inputs = [
            Input("model", *subject.weights),
            Input("rows", *self._sources.rows(task, "test", language)),
        ]
        if task.generation.shots:
            native = task.generation.exemplar_language == "native"
            source = language if native else spec.languages.pivot
            inputs.append(Input("shots", *self._sources.rows(task, "exemplars", source)))
        return self._builder.add(self._works[memo][1], tuple(inputs), place.labels, subject.hints)

    def _score(self, place: _Place, metric: str, records: Step) -> Step:
        task, language = place.task, place.language
        memo = ("score", id(task), language, metric)
        if memo not in self._works:
            params = ScoreParams(
                metric=metric,
                task=task.name,
                language=language,
                arguments=task.metric_arguments.get(metric, {}),
            )
            self._works[memo] = (task, self._builder.work(params))
        inputs = (Input("records", records.key, "records"),)
        return self._builder.add(
            self._works[memo][1], inputs, place.labels, self._builder.data_hints
        )


def _items(task: TaskSpec) -> int:
    return task.test_items if task.split else (task.test.items if task.test else 0)


def _generate_params(task: TaskSpec, language: str, decode_seed: int) -> GenerateParams:
    generation = task.generation
    return GenerateParams(
        task=task.name,
        language=language,
        template=template_of(task, language),
        items=_items(task),
        shots=generation.shots,
        max_new_tokens=generation.max_new_tokens,
        temperature=generation.temperature,
        top_p=generation.top_p,
        stop=generation.stop,
        decode_seed=decode_seed if generation.temperature else 0,  # greedy draws nothing
    )


def _likelihood_params(task: TaskSpec, language: str, decode_seed: int) -> LikelihoodParams:
    del decode_seed  # nothing is drawn
    likelihood = task.likelihood
    return LikelihoodParams(
        task=task.name,
        language=language,
        template=template_of(task, language),
        continuation=likelihood.continuation,
        distractors=Distractors(
            rule=likelihood.distractors, count=likelihood.count, seed=likelihood.seed
        ),
        items=_items(task),
        shots=task.generation.shots,
    )
