"""likelihood: log-probabilities of the gold answer and of fixed distractors, per item.

Inputs and item choice as for generate. Output: ``records`` (``records.parquet``, one row per
item: item, cluster, prompt_sha256, gold, gold_logprob, gold_tokens, options list<string>,
option_logprobs list<float64>, option_tokens list<int32>, truncated).
The score is log p(gold) − logsumexp over the distractors: 0 or more means that the gold
answer alone outweighs them all.
"""

from typing import ClassVar, Literal

from clt_operator.api.base import Params, Record
from clt_operator.api.kinds.prepare import Template


class Distractors(Record):
    """Wrong answers, a function of the item id, the gold answer and the seed alone, so that
    they are the same in every language and for every model.

    ``numeric``: numbers near the gold one (±1, ±10, ×2, digits swapped, …); gold and wrong
    answers are scored in plain digits. ``pool``: gold answers of other items. ``column``: the
    row's own ``options``. With the first two no answer is the beginning of the gold one or
    begins with it: answers are scored without an end token, so a beginning is always likelier.
    """

    rule: Literal["numeric", "pool", "column"] = "numeric"
    count: int = 8
    seed: int = 0


class LikelihoodParams(Params):
    """Hints: ``batch_size``, ``threads``."""

    kind: ClassVar[str] = "likelihood"
    task: str
    language: str
    template: Template = Template()
    continuation: str = "{answer}"  # what is scored after the prompt; options replace {answer}
    distractors: Distractors = Distractors()
    items: int = 0
    item_seed: int = 0
    shots: int = 0
    precision: str = "fp32"
    max_length: int = 2048
