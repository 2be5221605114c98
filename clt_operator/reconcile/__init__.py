"""graph + observed → actions and status: pure, and the same on every driver."""

from clt_operator.reconcile.decision import (
    PHASES,
    Decision,
    Failure,
    Launch,
    Phase,
    RecordLost,
    Status,
)
from clt_operator.reconcile.index import Index
from clt_operator.reconcile.loop import label_text, reconcile
from clt_operator.reconcile.observed import Attempt, Holder, Observed
from clt_operator.reconcile.policy import FILL, Policy
from clt_operator.reconcile.retries import outcome_of_exit

__all__ = [
    "FILL",
    "PHASES",
    "Attempt",
    "Decision",
    "Failure",
    "Holder",
    "Index",
    "Launch",
    "Observed",
    "Phase",
    "Policy",
    "RecordLost",
    "Status",
    "label_text",
    "outcome_of_exit",
    "reconcile",
]
