"""score: one metric over the records of one cell; records are never generated again for it.

Input: ``records``. Outputs: ``items`` (``items.parquet``: item, cluster, score float64,
failed bool (extraction failed), truncated bool, flags string) and ``summary``
(``summary.json``: n, mean, failed, truncated, signature, and what the metric adds).
Corpus metrics (chrF++) give their sentence-level score per item and the corpus score in the
summary.
"""

from typing import Any, ClassVar

from clt_operator.api.base import Params


class ScoreParams(Params):
    kind: ClassVar[str] = "score"
    metric: str  # exact_match, numeric, math_accuracy, rouge_l, chrf, gold_margin, choice_accuracy
    task: str
    language: str
    arguments: dict[str, Any] = {}  # of the metric
