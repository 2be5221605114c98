"""The Experiment: what a user applies."""

from typing import Literal

from pydantic import Field

from clt_operator.api.base import SpecModel
from clt_operator.api.spec.compute import ComputeSpec, RetriesSpec
from clt_operator.api.spec.model import ModelSpec
from clt_operator.api.spec.names import (
    LabelKey,
    LanguageCode,
    Languages,
    Name,
    Note,
    ObjectName,
    Seed,
    Word,
)
from clt_operator.api.spec.report import ReportSpec
from clt_operator.api.spec.sweep import SeedsSpec, StageSpec, SweepSpec
from clt_operator.api.spec.task import TaskSpec
from clt_operator.api.spec.train import TrainSpec


class Metadata(SpecModel):
    name: ObjectName = Field(description="Name of the study.")
    namespace: ObjectName = Field("default", description="Namespace on a cluster.")
    labels: dict[LabelKey, Word] = Field(
        {}, max_length=64, description="Labels for people and tools; no result depends on them."
    )
    annotations: dict[LabelKey, Note] = Field(
        {}, max_length=64, description="Notes for people and tools; no result depends on them."
    )


class LanguagesSpec(SpecModel):
    """The pivot is held fixed; a mix names the other languages that get training rows."""

    pivot: LanguageCode = Field(
        description="The language held fixed: trained on in every run, in neither seen nor unseen."
    )
    mixes: dict[Name, Languages] = Field(
        min_length=1,
        max_length=100,
        description="Names, each with the languages that get training rows beside the pivot.",
    )
    evaluate: list[LanguageCode] = Field(
        min_length=1, max_length=200, description="Languages that every model is evaluated in."
    )


class ExperimentSpec(SpecModel):
    store: str = Field(
        "", max_length=1024, description="Profile of a store; with --local also a URI."
    )
    models: list[ModelSpec] = Field(min_length=1, max_length=100, description="Base models.")
    tasks: list[TaskSpec] = Field(
        min_length=1, max_length=100, description="Tasks to train on and to evaluate."
    )
    languages: LanguagesSpec = Field(description="Pivot, training mixes and evaluation languages.")
    stages: list[StageSpec] = Field(
        [], max_length=20, description="Models trained before the sweeps."
    )
    sweeps: list[SweepSpec] = Field(
        min_length=1, max_length=100, description="Named grids of runs."
    )
    seeds: list[Seed] = Field(
        [0],
        min_length=1,
        max_length=100,
        description="Repetitions of every run; one id gives the same permutations in every cell.",
    )
    seed_policy: SeedsSpec = Field(SeedsSpec(), description="What a seed varies.")
    train: TrainSpec = Field(TrainSpec(), description="How models are trained.")
    report: ReportSpec = Field(ReportSpec(), description="What the report answers.")
    compute: ComputeSpec = Field(
        ComputeSpec(), description="Where steps run; no result depends on it."
    )
    retries: RetriesSpec = Field(RetriesSpec(), description="How often a step is tried.")
    suspend: bool = Field(
        False, description="On a cluster: stop the Jobs, keep everything, go on when false again."
    )
    cancel: bool = Field(
        False, description="On a cluster: stop the Jobs for good; cannot be taken back."
    )


class Experiment(SpecModel):
    """One controlled study of cross-lingual transfer."""

    api_version: Literal["clt.dev/v1alpha1"] = Field(description="Always clt.dev/v1alpha1.")
    kind: Literal["Experiment"] = Field(description="Always Experiment.")
    metadata: Metadata = Field(description="Name and labels.")
    spec: ExperimentSpec = Field(description="The study.")
