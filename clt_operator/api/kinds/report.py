"""report: tables, one self-contained HTML page and a summary, from collected scores.

Inputs: ``scores`` and ``cells`` of a collect step; ``counts/<task>/<language>/…`` of prepare
steps; ``training/<training key>`` reads the ``mixture`` output of a train step.
Outputs: ``tables`` (Parquet files: cells, points, contrasts, quantities, dropped), ``page``
(``report.html``), ``summary`` (``summary.json``). All three are functions of the key.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from pydantic import ConfigDict

from clt_operator.api.base import STRICT, Params, Record


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a sweep for one seed: which training stands there."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    sweep: str
    model: str
    mix: str  # name of the declared mix; "" for an untrained model
    task: str  # the trained task, or the joined names in a joint sweep
    k: int
    seed: int
    training: str  # key; of the untrained model: its fetch or stage key
    languages: list[str]  # the declared mix: seen, at every k including 0
    control: str = ""  # "", pivot_matched, equal_steps, token_matched, substitutive, untrained
    coordinates: dict[str, str] = field(default_factory=dict)  # values of further axes


class EvaluatedTask(Record):
    name: str
    metrics: list[str]  # the first is primary
    chance: float = 0.0
    items_shared: bool = True  # item ids are the same over languages (resample jointly)
    provenance: dict[str, str] = {}  # language -> human | post-edited | machine


class Contrast(Record):
    name: str
    k: int
    sweep: str = ""  # empty: every sweep
    languages: str = "nonpivot"  # nonpivot | seen | unseen | all, or one code
    margin: float = 0.0
    primary: bool = False


class ReportParams(Params):
    kind: ClassVar[str] = "report"
    version: ClassVar[int] = 2  # 2: wrong-language answers
    title: str = "Cross-lingual transfer"
    notes: list[str] = []
    pivot: str
    mixes: dict[str, list[str]]
    evaluate: list[str]
    tasks: list[EvaluatedTask]
    points: list[Point]
    baseline_k: int = 0
    contrasts: list[Contrast] = []
    confidence: float = 0.95
    plateau_margin: float = 0.0  # 0: not asked for
    subset: Literal["varies", "fixed"] = "varies"
