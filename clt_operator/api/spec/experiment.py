"""The Experiment: what a user applies."""

from typing import Literal

from pydantic import Field

from clt_operator.api.base import SpecModel
from clt_operator.api.spec.compute import ComputeSpec, RetriesSpec
from clt_operator.api.spec.model import ModelSpec
from clt_operator.api.spec.names import LanguageCode, Name, ObjectName, Seed
from clt_operator.api.spec.report import ReportSpec
from clt_operator.api.spec.sweep import SeedsSpec, StageSpec, SweepSpec
from clt_operator.api.spec.task import TaskSpec
from clt_operator.api.spec.train import TrainSpec


class Metadata(SpecModel):
    name: ObjectName
    namespace: ObjectName = "default"
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class LanguagesSpec(SpecModel):
    """The pivot is held fixed; a mix names the other languages that get training rows."""

    pivot: LanguageCode
    mixes: dict[Name, list[LanguageCode]] = Field(min_length=1)
    evaluate: list[LanguageCode] = Field(min_length=1, max_length=200)


class ExperimentSpec(SpecModel):
    store: str = Field(
        "", max_length=1024, description="Profile of a store; with --local also a URI."
    )
    models: list[ModelSpec] = Field(min_length=1, max_length=100)
    tasks: list[TaskSpec] = Field(min_length=1, max_length=100)
    languages: LanguagesSpec
    stages: list[StageSpec] = Field([], max_length=20)
    sweeps: list[SweepSpec] = Field(min_length=1, max_length=100)
    seeds: list[Seed] = Field([0], min_length=1, max_length=100)
    seed_policy: SeedsSpec = SeedsSpec()
    train: TrainSpec = TrainSpec()
    report: ReportSpec = ReportSpec()
    compute: ComputeSpec = ComputeSpec()
    retries: RetriesSpec = RetriesSpec()


class Experiment(SpecModel):
    """One controlled study of cross-lingual transfer."""

    api_version: Literal["clt.dev/v1alpha1"]
    kind: Literal["Experiment"]
    metadata: Metadata
    spec: ExperimentSpec
