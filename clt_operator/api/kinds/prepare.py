"""prepare: rows become tokens, once per (rows, tokenizer, template), for all runs.

Inputs: ``rows``, ``tokenizer``. Outputs: ``tokens`` (``tokens.parquet``: id, item, language,
task, ``tokens`` list<int32>, ``prompt_length`` int32: the loss mask is zero before it) and
``counts`` (``counts.json``: rows, dropped by reason, truncated, tokens, supervised_tokens,
bytes). Prompt and response are tokenised apart; the end-of-sequence token is supervised.
"""

from typing import ClassVar

from clt_operator.api.base import Params, Record


class Template(Record):
    """How a row becomes a prompt and a response; ``{field}`` names a field of the row."""

    prompt: str = "{prompt}"
    response: str = "{response}"
    chat: bool = False  # wrap the prompt as a user turn of the tokenizer's chat template
    shot: str = ""  # one worked example, for few-shot prompts; empty: prompt + response
    separator: str = "\n\n"  # between worked examples


class PrepareParams(Params):
    kind: ClassVar[str] = "prepare"
    language: str
    task: str
    template: Template = Template()
    max_length: int = 1024
    too_long: str = "drop"  # drop | truncate; both are counted
