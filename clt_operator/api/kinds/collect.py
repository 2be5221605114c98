"""collect: the item scores of all cells in one table.

Inputs: ``cell/<index>`` reads the ``items`` of a score step, ``summary/<index>`` its summary.
Outputs: ``scores`` (``scores.parquet``: cell int32, training, task, language, metric, item,
cluster, score, failed, truncated, wrong_language) and ``cells`` (``cells.parquet``: cell,
training, task, language, metric, n, mean, failed, truncated, told, wrong_language, signature,
corpus_score, missing (reason, empty where present)).
"""

from dataclasses import dataclass
from typing import ClassVar

from pydantic import ConfigDict

from clt_operator.api.base import STRICT, Params


@dataclass(frozen=True, slots=True)
class Cell:
    """One (training, task, language, metric); ``training`` is the key of the model's maker,
    with a suffix where one model is evaluated in several ways."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    training: str
    task: str
    language: str
    metric: str
    missing: str = ""  # why the cell has no scores; empty where it has


class CollectParams(Params):
    kind: ClassVar[str] = "collect"
    version: ClassVar[int] = 2  # 2: wrong-language answers
    cells: list[Cell]
