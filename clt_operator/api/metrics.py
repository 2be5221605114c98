"""The metrics that a spec may name: which records each reads, and on which scale it is.

Implementations are in ``clt_jobs.metrics``; a test holds the two lists together.
"""

from dataclasses import dataclass
from typing import Literal

RecordsKind = Literal["generate", "likelihood"]


@dataclass(frozen=True, slots=True)
class MetricInfo:
    records: RecordsKind
    ratio_scale: bool  # whether ratios of means have a meaning (shares do, nats do not)
    standard_deviation: float  # of one item, assumed before there are data; shares: worst case
    unit: str


METRICS: dict[str, MetricInfo] = {
    "exact_match": MetricInfo("generate", True, 0.5, "share"),
    "numeric": MetricInfo("generate", True, 0.5, "share"),
    "math_accuracy": MetricInfo("generate", True, 0.5, "share"),
    "rouge_l": MetricInfo("generate", True, 0.15, "F1"),
    "chrf": MetricInfo("generate", True, 0.15, "chrF++"),
    "choice_accuracy": MetricInfo("likelihood", True, 0.5, "share"),
    "gold_margin": MetricInfo("likelihood", False, 2.0, "nats"),
    "gold_logprob": MetricInfo("likelihood", False, 2.0, "nats"),
}
