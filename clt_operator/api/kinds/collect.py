"""collect: the item scores of all cells in one table.

Inputs: ``cell/<index>`` reads the ``items`` of a score step, ``summary/<index>`` its summary.
Outputs: ``scores`` (``scores.parquet``: cell int32, training, task, language, metric, item,
cluster, score, failed, truncated) and ``cells`` (``cells.parquet``: cell, training, task,
language, metric, n, mean, failed, truncated, signature, corpus_score, missing (reason, empty
where present)).
"""

from typing import ClassVar

from clt_operator.api.base import Params, Record


class Cell(Record):
    """One (training, task, language, metric); ``training`` is the key of the model's maker."""

    training: str
    task: str
    language: str
    metric: str
    missing: str = ""  # why the cell has no scores; empty where it has


class CollectParams(Params):
    kind: ClassVar[str] = "collect"
    cells: list[Cell]
