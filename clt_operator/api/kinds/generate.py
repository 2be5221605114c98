"""generate: answers of one checkpoint to the items of one (task, language) cell.

Inputs: ``model``, ``rows``, optional ``shots`` (rows that the worked examples come from).
Output: ``records`` (``records.parquet``, one row per item: item, cluster, prompt_sha256,
prompt_tokens, output, output_tokens, finish_reason (stop | length | filtered), answer (the
gold), response (the reference), prompt).
"""

from typing import ClassVar

from clt_operator.api.base import Params
from clt_operator.api.kinds.prepare import Template


class GenerateParams(Params):
    """Hints: ``batch_size``, ``threads``."""

    kind: ClassVar[str] = "generate"
    task: str
    language: str
    template: Template = Template()
    items: int = 0  # 0: all; otherwise the first so many of the seeded permutation of item ids
    item_seed: int = 0
    shots: int = 0
    max_new_tokens: int = 64
    temperature: float = 0.0  # 0: greedy
    top_p: float = 1.0
    stop: list[str] = []
    decode_seed: int = 0
    precision: str = "fp32"
    max_length: int = 2048  # prompt tokens above this are cut from the left, and counted
