"""Where steps run. Nothing here is part of a key."""

from pydantic import Field

from clt_operator.api.base import SpecModel
from clt_operator.api.spec.names import Count, PositiveCount


class ResourcesSpec(SpecModel):
    pool: str = Field("", max_length=63, description="Profile of a node pool.")
    gpus: Count = Field(0, description="GPUs of one node.")
    nodes: PositiveCount = Field(1, description="Nodes that work on one step together.")
    cpus: PositiveCount = Field(1, description="Processor cores asked for.")
    memory: str = Field(
        "4Gi",
        pattern=r"^[0-9]+(\.[0-9]+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$",
        max_length=16,
        description="Memory asked for, which is also the limit.",
    )
    threads: PositiveCount = Field(1, description="Threads of arithmetic; part of exact repeats.")
    micro_batch_size: Count = Field(0, description="Rows at a time on one device; 0: the batch.")
    batch_size: PositiveCount = Field(32, description="Items at a time in evaluation.")
    deadline_seconds: Count = Field(0, description="0: none.")
    grace_seconds: PositiveCount = Field(120, description="Time to save after a stop request.")
    image: str = Field("", max_length=512, description="Default: the installation's image.")


class BudgetSpec(SpecModel):
    """What an experiment may use up. Where it is spent, Jobs are stopped and what is committed
    stays; raise it to go on."""

    gpu_hours: float = Field(
        0.0, ge=0, le=1e9, description="GPU-hours of all attempts together; 0: no limit."
    )


class ComputeSpec(SpecModel):
    train: ResourcesSpec = Field(ResourcesSpec(), description="Of training.")
    evaluate: ResourcesSpec = Field(
        ResourcesSpec(), description="Of generating answers and of likelihoods."
    )
    data: ResourcesSpec = Field(
        ResourcesSpec(), description="Of fetching, deriving, preparing and scoring."
    )
    report: ResourcesSpec = Field(
        ResourcesSpec(), description="Of collecting scores and of the report."
    )
    queue: str = Field("", max_length=63, description="Queue that admits the Jobs (Kueue).")
    max_parallel: Count = Field(0, description="Jobs at a time without a queue; 0: no limit.")
    budget: BudgetSpec = Field(BudgetSpec(), description="What may be used up, on a cluster.")


class RetriesSpec(SpecModel):
    limit: int = Field(3, ge=0, le=100, description="Counted attempts of a step before it failed.")
