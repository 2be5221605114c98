"""``plan(spec, lock)``: the whole study as a graph of steps, and what it consists of.

The report reads a collection, the collection reads the score of every cell, a cell reads a
model's records, a model its mixture: walking back from the report gives all work.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from clt_operator.api.errors import Problem, SpecError
from clt_operator.api.keys import digest
from clt_operator.api.kinds.collect import Cell, CollectParams
from clt_operator.api.kinds.report import Contrast, EvaluatedTask, ReportParams
from clt_operator.api.kinds.report import Point as ReportPoint
from clt_operator.api.lock import Lock
from clt_operator.api.spec.experiment import ExperimentSpec
from clt_operator.api.step import Graph, Input, Step
from clt_operator.plan.builder import Builder, Full
from clt_operator.plan.check.size import SMALLER
from clt_operator.plan.evaluations import Evaluations, ScoredCell, Subject, evaluated_tasks
from clt_operator.plan.sources import Sources
from clt_operator.plan.sweeps import Point, default_models, default_tasks, expand, seeds_of
from clt_operator.plan.trainings import Trainings


@dataclass(frozen=True)
class Plan:
    """What a spec asks for. ``trainings[i]`` is the train step's key of ``points[i]``."""

    spec: ExperimentSpec
    graph: Graph
    points: tuple[Point, ...]
    trainings: tuple[str, ...]
    cells: tuple[ScoredCell, ...]
    report: ReportParams

    @property
    def counts(self) -> dict[str, int]:
        """runs: points; trainings: distinct ones, stages apart; evaluations: (model, task);
        cells: (model, task, language)."""
        return {
            "runs": len(self.points),
            "trainings": len(set(self.trainings)),
            "stages": len(self.spec.stages),
            "evaluations": len({(c.training, c.task) for c in self.cells}),
            "cells": len({(c.training, c.task, c.language) for c in self.cells}),
            "scores": len(self.cells),
            "steps": len(self.graph),
        }


class TooManySteps(SpecError):
    """The plan is larger than an installation allows."""


def plan(spec: ExperimentSpec, lock: Lock, most: int = 0) -> Plan:
    """Expand a checked spec. Pure: the same spec and lock give the same keys.

    Raises TooManySteps as soon as there are more than ``most`` steps; 0: no limit.
    """
    planner = _Planner(spec, lock, most)
    try:
        return planner.plan()
    except Full:
        raise TooManySteps([planner.too_many()]) from None


class _Planner:
    def __init__(self, spec: ExperimentSpec, lock: Lock, most: int) -> None:
        self.spec = spec
        self.builder = Builder(spec, lock, most)
        self.sources = Sources(self.builder)
        self.trainings = Trainings(self.builder, self.sources)
        self.evaluations = Evaluations(self.builder, self.sources)
        self.cells: dict[ScoredCell, None] = {}
        self.report_points: list[ReportPoint] = []
        self.evaluated: set[str] = set()
        self.points: tuple[Point, ...] = ()
        self.keys: list[str] = []  # of the training of each point

    def too_many(self) -> Problem:
        """What to say when the plan is full: how many steps it would have had, by proportion."""
        most = self.builder.most
        whole = round(most * len(self.points) / max(1, len(self.keys)))
        estimate = f"about {whole:,} steps are" if whole > most else "this study's steps are"
        return Problem(
            "spec.sweeps", f"{estimate} more than the {most:,} that are allowed", SMALLER
        )

    def plan(self) -> Plan:
        self.points = points = tuple(expand(self.spec))
        keys = self.keys
        for point in points:
            step = self.trainings.point(point)
            keys.append(step.key)
            self._evaluate(point, step)
        self._untrained(points)
        cells = tuple(self.cells)
        params = report_params(self.spec, self.report_points)
        graph = finish(self.builder, params, cells, {})
        return Plan(self.spec, graph, points, tuple(keys), cells, params)

    def _evaluate(self, point: Point, step: Step) -> None:
        spec = point.setting.spec
        decode = seeds_of(point.seed, spec.seed_policy).decode
        name = step.key + variant(point, decode)
        self.report_points.append(_report_point(point, name, point.control))
        if name not in self.evaluated:
            self.evaluated.add(name)
            subject = self._subject(
                name, (step.key, "checkpoint/selected"), step.labels, decode, spec
            )
            tasks = evaluated_tasks(spec, point.tasks)
            self.cells.update(dict.fromkeys(self.evaluations.cells(spec, subject, tasks)))

    def _untrained(self, points: tuple[Point, ...]) -> None:
        """The models as they were before the sweeps, where a sweep asks for them."""
        seen = set()
        for point in points:
            spec, sweep = point.setting.spec, point.setting.sweep
            place = (sweep.name, point.setting.coordinates, point.model, point.tasks)
            if not sweep.untrained or place in seen:
                continue
            seen.add(place)
            weights, _ = self.trainings.start(spec, point.model)
            name = weights[0] + variant(point, 0)
            self.report_points.append(_report_point(point, name, "untrained"))
            labels = {"model": point.model, "k": "untrained"}
            subject = self._subject(name, weights, labels, 0, spec)
            tasks = evaluated_tasks(spec, point.tasks)
            self.cells.update(dict.fromkeys(self.evaluations.cells(spec, subject, tasks)))

    def _subject(
        self,
        name: str,
        weights: tuple[str, str],
        labels: Mapping[str, str],
        decode: int,
        spec: ExperimentSpec,
    ) -> Subject:
        resources = spec.compute.evaluate
        hints = self.builder.hints(
            resources, f"model:{weights[0][:16]}", batch_size=resources.batch_size
        )
        return Subject(name, weights, labels, decode, hints)


def variant(point: Point, decode: int) -> str:
    """Tells apart evaluations of one training that differ in how it is evaluated: axes over
    tasks, and the decode seed where answers are sampled. Empty in all other studies."""
    tasks = [(path, value) for path, value in point.setting.coordinates if path[:6] == "tasks."]
    sampled = any(t.generation.temperature for t in point.setting.spec.tasks)
    parts = [*tasks, ("decode", str(decode))] if sampled and decode else tasks
    return "~" + digest(parts)[:8] if parts else ""


def _report_point(point: Point, training: str, control: str) -> ReportPoint:
    untrained = control == "untrained"
    return ReportPoint(
        sweep=point.sweep,
        model=point.model,
        mix="" if untrained else point.mix,
        task="+".join(point.tasks),
        k=0 if untrained else point.k,
        seed=0 if untrained else point.seed,
        training=training,
        languages=[] if untrained else point.setting.spec.languages.mixes[point.mix],
        control=control,
        coordinates=dict(point.setting.coordinates),
    )


def report_params(spec: ExperimentSpec, points: list[ReportPoint]) -> ReportParams:
    trained = {name for sweep in spec.sweeps for name in (sweep.tasks or default_tasks(spec))}
    tasks = evaluated_tasks(spec, tuple(trained))
    models = {name for sweep in spec.sweeps for name in (sweep.models or default_models(spec))}
    notes = [f"{m.name}: {m.notes}" for m in spec.models if m.notes and _used(spec, m.name, models)]
    report = spec.report
    return ReportParams(
        title=report.title,
        notes=[*report.notes, *notes],
        pivot=spec.languages.pivot,
        mixes=spec.languages.mixes,
        evaluate=spec.languages.evaluate,
        tasks=[
            EvaluatedTask(
                name=task.name,
                metrics=task.metrics,
                chance=task.chance,
                items_shared=task.items_shared,
                provenance=dict((task.test or task.train).provenance)  # type: ignore[union-attr]
                if (task.test or task.train)
                else {},
            )
            for task in tasks
        ],
        points=points,
        baseline_k=report.baseline.samples_per_language,
        contrasts=[
            Contrast(
                name=contrast.name,
                k=contrast.at.samples_per_language,
                sweep=contrast.sweep,
                languages=contrast.languages,
                margin=contrast.margin,
                primary=contrast.primary,
            )
            for contrast in report.contrasts
        ],
        confidence=report.confidence,
        plateau_margin=report.plateau_margin,
        subset=spec.seed_policy.subset,
    )


def _used(spec: ExperimentSpec, name: str, models: set[str]) -> bool:
    return name in models or any(stage.model == name for stage in spec.stages)


def finish(
    builder: Builder,
    params: ReportParams,
    cells: tuple[ScoredCell, ...],
    missing: Mapping[str, str],
) -> Graph:
    """Adds the collection and the report. ``missing``: score key → why it will not come."""
    inputs = []
    listed = []
    for at, cell in enumerate(cells):
        reason = missing.get(cell.score, "")
        if not reason:
            inputs.append(Input(f"cell/{at}", cell.score, "items"))
            inputs.append(Input(f"summary/{at}", cell.score, "summary"))
        listed.append(
            Cell(
                training=cell.training,
                task=cell.task,
                language=cell.language,
                metric=cell.metric,
                missing=reason,
            )
        )
    hints = builder.hints(builder.spec.compute.report, "")
    collect = builder.add(builder.work(CollectParams(cells=listed)), tuple(inputs), {}, hints)
    read = [Input("scores", collect.key, "scores"), Input("cells", collect.key, "cells")]
    read += _accounts(builder, params, missing)
    report = builder.add(builder.work(params), tuple(read), {}, hints)
    return builder.graph((report.key,))


def _accounts(builder: Builder, params: ReportParams, missing: Mapping[str, str]) -> list[Input]:
    """What the report says of the data: counts of every preparation, realised mixtures."""
    used = {point.training.partition("~")[0] for point in params.points}
    read = []
    for step in list(builder.steps.values()):
        if step.key in missing:
            continue
        if step.kind == "prepare":
            labels = step.labels
            name = f"counts/{labels['task']}/{labels['language']}/{step.key[:16]}"
            read.append(Input(name, step.key, "counts"))
        elif step.kind == "train" and step.key in used:
            read.append(Input(f"training/{step.key}", step.key, "mixture"))
    return read
