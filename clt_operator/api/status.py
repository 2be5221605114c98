"""The status of an Experiment on a cluster: what the operator writes for people and tools.

Small whatever the study's size: counts by kind, the first failures, six conditions. Nothing is
driven by it: the store holds locks, claims and outcomes, and a status that is lost is written
again.
"""

from typing import Annotated, Literal

from pydantic import Field

from clt_operator.api.base import SpecModel
from clt_operator.api.spec.names import Count, Name

Phase = Literal["Pending", "Running", "Complete", "Failed", "Suspended", "Cancelled", "Rejected"]
ConditionType = Literal["Accepted", "Progressing", "Complete", "Failed", "Suspended", "Degraded"]

TIME_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})$"
KEY_PATTERN = r"^([0-9a-f]{64})?$"
REASON_PATTERN = r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"  # as Kubernetes wants it

MOST_FAILURES = 10
MOST_KINDS = 64
MOST_MESSAGE = 4096  # characters of a condition's message
MOST_FAILURE = 512  # characters of a failure's message
MOST_LABELS = 256  # characters of a step's labels

Time = Annotated[str, Field(pattern=TIME_PATTERN, max_length=64)]
Key = Annotated[str, Field(pattern=KEY_PATTERN, max_length=64)]

PHASES: dict[Phase, str] = {
    "Pending": "Not looked at yet, or the store or a hub does not answer.",
    "Running": "Steps run or wait to be run.",
    "Complete": "The report is committed. Stays so until the spec changes.",
    "Failed": "A step used up its attempts and nothing else is left to do, or the budget is spent.",
    "Suspended": "`spec.suspend` is true: no Job is there, what is committed stays.",
    "Cancelled": "`spec.cancel` is true: no Job will be made again.",
    "Rejected": "The spec cannot be planned here; condition `Accepted` says why.",
}

# Every condition: what True means, and its reasons with what each says.
CONDITIONS: dict[ConditionType, tuple[str, dict[str, str]]] = {
    "Accepted": (
        "The spec is valid here, locked and planned.",
        {
            "Planned": "The message counts steps and runs.",
            "InvalidSpec": "The message has every problem, as `cltctl plan` tells it, with those "
            "of profiles that the namespace may not use.",
            "TooManySteps": "More steps than the installation allows (`limits.steps`).",
        },
    ),
    "Progressing": (
        "Steps run or are about to.",
        {
            "StepsRunning": "Jobs are there, or about to be.",
            "WaitingForQuota": "Every Job waits for its queue.",
            "ImagePull": "Every pod waits for its image.",
            "MissingConfiguration": "Every pod waits for a Secret or ConfigMap.",
            "JobRefused": "The API server does not take a Job; the message says why.",
            "InvalidSpec": "What runs goes on; nothing new is started.",
            "TooManySteps": "What runs goes on; nothing new is started.",
            "Suspended": "`spec.suspend` is true.",
            "Complete": "All is done.",
            "StepsFailed": "Nothing is left that could run.",
            "BudgetExceeded": "The GPU-hours of `compute.budget` are spent.",
            "Cancelled": "`spec.cancel` is true.",
        },
    ),
    "Complete": (
        "The report is committed; `status.report` is its key.",
        {
            "ReportCommitted": "Every cell is in it.",
            "PartialReport": "Cells that failed are listed in it with their reasons.",
            "StepsMissing": "Not yet.",
        },
    ),
    "Failed": (
        "It will not get further by itself.",
        {
            "StepsFailed": "Steps used up their attempts; False while others still run.",
            "BudgetExceeded": "The GPU-hours of `compute.budget` are spent: raise it to go on.",
            "Cancelled": "`spec.cancel` is true.",
            "NoneFailed": "No step failed.",
        },
    ),
    "Suspended": (
        "It has no Jobs because a user wants it so.",
        {
            "SuspendedBySpec": "`spec.suspend` is true.",
            "NotSuspended": "It runs, or has ended.",
        },
    ),
    "Degraded": (
        "Something outside the spec is at fault; it goes on by itself once that is mended.",
        {
            "StoreUnavailable": "The object store or a hub does not answer, or refuses.",
            "ImagePull": "An image cannot be pulled.",
            "MissingConfiguration": "A Secret or ConfigMap that a pod needs is not there.",
            "JobRefused": "The API server does not take a Job.",
            "NoProfiles": "The profiles of the installation are missing, or wrong.",
            "InternalError": "The operator failed on it; the message is for a bug report.",
            "AsExpected": "All is well.",
        },
    ),
}


class Condition(SpecModel):
    """As ``metav1.Condition``."""

    type: ConditionType = Field(description="What the condition is about.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it holds.")
    reason: str = Field(
        pattern=REASON_PATTERN, min_length=1, max_length=1024, description="Why, in one word."
    )
    message: str = Field(max_length=MOST_MESSAGE, description="Why, for people.")
    observed_generation: int = Field(
        0, ge=0, le=2**53 - 1, description="Generation of the spec that it is about."
    )
    last_transition_time: Time = Field(description="When the status last turned.")


class StepCounts(SpecModel):
    """Steps of one kind, by phase; a count that is left out is 0."""

    kind: Name = Field(description="Step kind.")
    pending: Count = Field(0, description="Wait for other steps.")
    ready: Count = Field(0, description="Could run now.")
    queued: Count = Field(
        0,
        description="In a Job of which no pod runs: it waits for its queue, a node or an image.",
    )
    running: Count = Field(0, description="In a Job of which a pod runs.")
    done: Count = Field(0, description="Committed.")
    failed: Count = Field(0, description="Used up their attempts.")
    blocked: Count = Field(0, description="Wait for a step that failed.")
    unneeded: Count = Field(0, description="Not committed, and nothing reads them any more.")


class FailureStatus(SpecModel):
    """A step that will not be tried again."""

    key: Key = Field(description="Key of the step: cltctl logs takes its beginning.")
    kind: Name = Field(description="Step kind.")
    name: str = Field("", max_length=MOST_LABELS, description="What the step is about.")
    attempts: Count = Field(0, description="Attempts that were made.")
    message: str = Field("", max_length=MOST_FAILURE, description="What the last attempt said.")


class ExperimentStatus(SpecModel):
    """Written by the operator alone."""

    observed_generation: int = Field(
        0, ge=0, le=2**53 - 1, description="Generation of the spec that the rest is about."
    )
    phase: Phase = Field("Pending", description="One word for the whole; conditions say more.")
    conditions: list[Condition] = Field(
        [],
        max_length=16,
        description="Accepted, Progressing, Complete, Failed, Suspended, Degraded.",
    )
    runs: Count = Field(0, description="Points of all sweeps.")
    trainings: Count = Field(0, description="Distinct trainings among the runs.")
    cells: Count = Field(0, description="Evaluations: run, task, language.")
    steps: Count = Field(0, description="Steps of the plan.")
    counts: list[StepCounts] = Field(
        [], max_length=MOST_KINDS, description="Steps by kind and phase."
    )
    done: str = Field("", max_length=32, description="Committed of needed steps, such as 12/96.")
    failed: Count = Field(0, description="Steps that failed.")
    queued: Count = Field(0, description="Steps in Jobs of which no pod runs.")
    running: Count = Field(0, description="Steps in Jobs of which a pod runs.")
    progress: str = Field("", max_length=8, description="Share of needed steps, such as 12%.")
    eta: str = Field("", max_length=16, description="Time left at the present pace, such as 2h10m.")
    failures: list[FailureStatus] = Field(
        [],
        max_length=MOST_FAILURES,
        description="The first steps that failed; cltctl describe lists all.",
    )
    store: str = Field("", max_length=1024, description="Profile of the store.")
    store_uri: str = Field("", max_length=1024, description="Where artifacts are.")
    lock: Key = Field("", description="Digest of the lock that was planned from.")
    report: Key = Field("", description="Key of the committed report.")
    start_time: Time | None = Field(None, description="When the first step was started.")
    completion_time: Time | None = Field(None, description="When the report was committed.")
    gpu_hours: str = Field("", max_length=32, description="GPU-hours spent, such as 12.50.")
    cost: str = Field("", max_length=64, description="Their price, where profiles name one.")
    handled_request: str = Field(
        "",
        max_length=1024,
        description="Request (clt.dev/requested-at, clt.dev/retry) heeded last.",
    )
