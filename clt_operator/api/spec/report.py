"""What the report answers, fixed before the results are seen."""

from typing import Literal

from pydantic import Field

from clt_operator.api.base import SpecModel
from clt_operator.api.spec.names import Count, Name, Text


class AtSpec(SpecModel):
    samples_per_language: Count = Field(description="Value of k.")


class BaselineSpec(SpecModel):
    samples_per_language: Count = Field(0, description="Value of k that others are compared with.")


class ContrastSpec(SpecModel):
    """A difference against the baseline, declared beforehand."""

    name: Name = Field(description="Name in the report.")
    at: AtSpec = Field(description="Point that is compared with the baseline.")
    sweep: str = Field("", max_length=63, description="Default: every sweep that has the point.")
    languages: str = Field(
        "nonpivot", max_length=32, description="nonpivot, seen, unseen, all, or one code."
    )
    margin: float = Field(
        0.0, ge=0, le=1e9, description="Differences within it count as none (equivalence margin)."
    )
    primary: bool = Field(False, description="Part of the family that is tested together.")


class ReportSpec(SpecModel):
    title: Text = Field("Cross-lingual transfer", description="Title of the page.")
    notes: list[Text] = Field([], max_length=32, description="Sentences shown in the report.")
    baseline: BaselineSpec = Field(
        BaselineSpec(), description="Point that others are compared with."
    )
    contrasts: list[ContrastSpec] = Field(
        [], max_length=64, description="Differences that are tested."
    )
    confidence: float = Field(0.95, gt=0.5, lt=1, description="Level of the intervals.")
    plateau_margin: float = Field(0.0, ge=0, le=1e9, description="0: no plateau is looked for.")
    on_missing: Literal["wait", "partial"] = Field(
        "wait", description="partial: report without cells that failed, listing them."
    )
