"""A study under way: what was accepted, its view of the store, its Jobs."""

from dataclasses import dataclass, field

from clt_operator.drivers.cluster.accept import Accepted
from clt_operator.drivers.cluster.jobs import Refusal, StudyJobs
from clt_operator.drivers.cluster.spending import Spending
from clt_operator.drivers.cluster.view import ClusterView
from clt_operator.reconcile import Index


@dataclass
class Driven:
    """Times are monotonic seconds."""

    accepted: Accepted
    view: ClusterView
    jobs: StudyJobs
    index: Index
    spending: Spending
    partial: Index | None = None  # of the report without what failed
    failed: frozenset[str] = frozenset()  # what the partial report leaves out
    noted: set[str] = field(default_factory=set)  # committed while this process looked
    loaded: float = 0.0
    held: dict[str, float] = field(default_factory=dict)  # key → when to try again
    followed: float = 0.0
    refusal: Refusal | None = None
