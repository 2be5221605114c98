"""score: one metric over the records of one cell; records are never generated again for it.

Input: ``records``. Outputs: ``items`` (``items.parquet``: item, cluster, score float64,
failed bool (extraction failed), truncated bool, flags string, wrong_language bool (null where
it cannot be told)) and ``summary`` (``summary.json``: n, mean, failed, truncated, told,
wrong_language, signature, and what the metric adds). An answer is in a wrong language where its
letters are of another script than the language's; between languages of one script nothing is
told apart. The score does not change with it.
Corpus metrics (chrF++) give their sentence-level score per item and the corpus score in the
summary.
"""

from typing import Any, ClassVar

from clt_operator.api.base import Params


class ScoreParams(Params):
    kind: ClassVar[str] = "score"
    version: ClassVar[int] = 2  # 2: wrong-language answers
    metric: str  # exact_match, numeric, math_accuracy, rouge_l, chrf, gold_margin, choice_accuracy
    task: str
    language: str
    arguments: dict[str, Any] = {}  # of the metric
