"""Sweeps: named grids of runs; stages: models trained before the sweeps."""

from typing import Literal

from pydantic import Field

from clt_operator.api.base import SpecModel
from clt_operator.api.spec.names import (
    Axes,
    Count,
    Factor,
    LanguageCode,
    Languages,
    Name,
    Names,
    PositiveCount,
    Seed,
    Word,
)
from clt_operator.api.spec.train import TrainSpec

Unit = Literal["samples", "tokens", "supervised_tokens"]
Alignment = Literal["parallel", "independent", "disjoint"]
Control = Literal["pivot_matched", "equal_steps", "token_matched"]


class Range(SpecModel):
    """``from`` to ``to`` inclusive, by ``step``."""

    start: Count = Field(alias="from", description="First count.")
    to: Count = Field(description="Last count, included where a step meets it.")
    step: PositiveCount = Field(description="Distance between counts.")


class Counts(SpecModel):
    """A list of counts: ``values`` and then those of ``range``; repeats are dropped."""

    values: list[Count] = Field([], max_length=10_000, description="Counts one by one.")
    range: Range | None = Field(None, description="Counts at equal distances.")

    def expand(self) -> list[int]:
        counts = list(self.values)
        if self.range:
            counts += range(self.range.start, self.range.to + 1, self.range.step)
        return list(dict.fromkeys(counts))


class Filter(SpecModel):
    """Points that have one of the listed values in every field that is given."""

    models: Names = Field([], description="Names of models.")
    tasks: Names = Field([], description="Names of tasks.")
    mixes: Names = Field([], description="Names of mixes.")
    samples_per_language: list[Count] = Field([], max_length=10_000, description="Values of k.")
    seeds: list[Seed] = Field([], max_length=100, description="Seeds.")
    controls: list[Word] = Field(
        [], max_length=16, description="Names of controls; '' is a run that is none."
    )
    axes: Axes = Field({}, description="Values of axes, by their path.")


class SweepSpec(SpecModel):
    """A grid: models × tasks × mixes × samplesPerLanguage × axes × seeds."""

    name: Name = Field(description="Name that reports and contrasts use.")
    models: Names = Field(
        [], description="Default: every model that is not merely the start of a stage."
    )
    tasks: Names = Field([], description="Default: every task with training and test rows.")
    task_mode: Literal["each", "joint"] = Field(
        "each", description="each: one run per task; joint: one run on all tasks together."
    )
    mixes: Names = Field([], description="Default: all mixes.")
    pivot_samples: PositiveCount = Field(description="Rows of the pivot, per task.")
    samples_per_language: Counts = Field(
        description="k: rows of each other language of the mix, per task."
    )
    quotas: dict[LanguageCode, Count] = Field(
        {},
        max_length=200,
        description="Languages with a fixed quota instead of k (where k is above 0).",
    )
    scale: dict[LanguageCode, Factor] = Field(
        {}, max_length=200, description="Languages that get k times this factor."
    )
    unit: Unit = Field("samples", description="What pivotSamples, k and quotas count.")
    budget: Literal["additive", "substitutive"] = Field(
        "additive",
        description="additive: k comes on top of the pivot's rows; substitutive: it replaces "
        "rows of the pivot, the total stays.",
    )
    controls: list[Control] = Field(
        [],
        max_length=16,
        description="Further runs at every k above 0: pivot_matched (pivot alone, as many rows), "
        "equal_steps (as many optimiser steps as k=0), token_matched (as many supervised tokens).",
    )
    alignment: Alignment = Field(
        "parallel", description="Whether languages get the same items, others, or no common one."
    )
    axes: Axes = Field(
        {}, description="Paths into the spec with values, such as train.learningRate: [1e-5, 2e-5]."
    )
    include: list[Filter] = Field(
        [], max_length=200, description="If given, only points that match one are kept."
    )
    exclude: list[Filter] = Field(
        [], max_length=200, description="Points that match one are dropped."
    )
    seeds: list[Seed] = Field([], max_length=100, description="Default: the experiment's seeds.")
    untrained: bool = Field(False, description="Evaluate the models before training, too.")


class StageSpec(SpecModel):
    """A model trained before the sweeps, used as ``source: stage:NAME``."""

    name: Name = Field(description="Name that models use.")
    model: Name = Field(description="Model that the stage starts from.")
    tasks: Names = Field(min_length=1, description="Tasks whose training rows are used.")
    languages: Languages = Field(
        min_length=1, description="Languages whose training rows are used."
    )
    samples: Count = Field(0, description="Rows per task and language; 0: all that the source has.")
    unit: Unit = Field("samples", description="What samples counts.")
    alignment: Alignment = Field(
        "parallel", description="Whether languages get the same items, others, or no common one."
    )
    train: TrainSpec | None = Field(None, description="Replaces the experiment's train section.")
    seed: Seed = Field(0, description="All runs of all seeds start from this one model.")


class SeedsSpec(SpecModel):
    """Which of the four seeds follow the run's seed, and which stay fixed."""

    subset: Literal["varies", "fixed"] = Field(
        "varies", description="Which rows are used. fixed narrows claims to those rows."
    )
    order: Literal["varies", "fixed"] = Field("varies", description="In which order rows are seen.")
    init: Literal["varies", "fixed"] = Field(
        "varies", description="Fresh weights, where a method has some."
    )
    decode: Literal["varies", "fixed"] = Field(
        "varies", description="Sampling of answers, above temperature 0."
    )
