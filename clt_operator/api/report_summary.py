"""What others read of a report's ``summary.json``: scores and groups at every k.

The report step writes more than this; unknown fields are passed over, so that a report of a
later release is still read.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

FILE = "summary.json"
MOST_ENTRIES = 10_000  # of a list: what is longer is not read
MOST_BYTES = 8 << 20  # of the file

Text = Annotated[str, Field(max_length=512)]


class _Placed(BaseModel):
    """Where a number stands: the primary metric of a task, on a sweep's own points."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)

    sweep: Text
    model: Text
    mix: Text
    trained: Text = ""  # the task trained on, or the joined names
    coordinates: Text = ""  # values of further axes
    task: Text
    metric: Text
    k: int


class LanguageScore(_Placed):
    """One language, averaged over seeds. Counts are of answers, of all seeds together."""

    language: Text
    role: Text  # pivot | seen | unseen
    score: float | None  # none: a cell is missing
    change: float | None = None  # against the baseline; none at the baseline itself
    relative: float | None = None  # over the pivot's; none where the scale has no ratios
    answers: int = 0
    failed: int = 0  # from which nothing could be read
    told: int = 0  # of which the language could be told
    wrong_language: int = 0  # those of them that are in another


class GroupScore(_Placed):
    quantity: Text  # seen | unseen | gap | rel
    value: float | None


class ReportSummary(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    title: Text = ""
    scores: list[LanguageScore] = Field([], max_length=MOST_ENTRIES)
    quantities: list[GroupScore] = Field([], max_length=MOST_ENTRIES)
    left_out: int = Field(0, ge=0, le=1 << 53)  # entries that did not fit
