"""The likelihood step: rows and a checkpoint in, one record per item out.

The continuation template is taken verbatim and tokenised apart from the prompt, as training
does: a space before the answer belongs into the template (``" {answer}"``) where the trained
response begins with one.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from clt_jobs.context import Context
from clt_jobs.data.encode import encode
from clt_jobs.data.parquet import write_records
from clt_jobs.data.rows import Row, read_rows
from clt_jobs.data.templates import substitute
from clt_jobs.generate.causal import Tokens
from clt_jobs.generate.checkpoint import open_checkpoint
from clt_jobs.generate.prompts import Prompt, make_prompts, prompt_limit
from clt_jobs.generate.step import batch_size, cell_rows, fix_threads, reporter
from clt_jobs.likelihood.continuations import continuation_logprobs
from clt_jobs.likelihood.distractors import Choices, choices_of
from clt_jobs.likelihood.records import FILE_NAME, SCHEMA
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.likelihood import LikelihoodParams


def likelihood(params: LikelihoodParams, context: Context) -> None:
    """Writes ``records``; counts items, cut prompts and items short of distractors.

    Raises InputError for rows, distractors, worked examples or a model that cannot be used.
    """
    fix_threads(context)
    checkpoint = open_checkpoint(context.input("model"), params.precision)
    rows, shots = cell_rows(params, context)
    pool = [row for row in read_rows(context.input("rows")) if row.language == params.language]
    choices = choices_of(rows, pool, params.distractors)
    answers = _continuations(params, rows, choices, checkpoint.tokenizer)
    longest = max(len(tokens) for options in answers for tokens in options)
    limit = prompt_limit(checkpoint.model, params.max_length, longest)
    prompts = make_prompts(params.template, rows, shots, checkpoint.tokenizer, limit)
    logprobs = continuation_logprobs(
        checkpoint,
        [prompt.tokens for prompt in prompts],
        answers,
        batch_size=batch_size(context),
        progress=reporter(context, len(rows), (params.task, params.language)),
    )
    records = _records(rows, prompts, choices, answers, logprobs)
    write_records(context.output("records") / FILE_NAME, SCHEMA, records)
    asked = params.distractors.count
    context.summarise(
        items=len(rows),
        prompts_cut=sum(prompt.cut > 0 for prompt in prompts),
        short_of_distractors=sum(len(choice.options) < asked for choice in choices),
        prompt_tokens=sum(len(prompt.tokens) for prompt in prompts),
    )


def _continuations(
    params: LikelihoodParams, rows: Sequence[Row], choices: Sequence[Choices], tokenizer: Any
) -> list[list[Tokens]]:
    """Token sequences per row: the gold answer, then its distractors."""
    if "{answer}" not in params.continuation:
        raise InputError(
            f"the continuation {params.continuation!r} has no {{answer}}: "
            f"all distractors would be the same"
        )
    continuations: list[list[Tokens]] = []
    for row, choice in zip(rows, choices, strict=True):
        texts = [
            substitute(params.continuation, row, answer=answer)
            for answer in (choice.gold, *choice.options)
        ]
        encoded = encode(tokenizer, texts)
        if not all(encoded):
            raise InputError(f"row {row.id!r}: an answer has no tokens: {texts!r}")
        continuations.append(list(encoded))
    return continuations


def _records(
    rows: Sequence[Row],
    prompts: Sequence[Prompt],
    choices: Sequence[Choices],
    answers: Sequence[Sequence[Tokens]],
    logprobs: Sequence[Sequence[float]],
) -> Iterator[dict[str, Any]]:
    for row, prompt, choice, tokens, values in zip(
        rows, prompts, choices, answers, logprobs, strict=True
    ):
        yield {
            "item": row.item,
            "cluster": row.cluster,
            "prompt_sha256": prompt.sha256,
            "gold": choice.gold,
            "gold_logprob": values[0],
            "gold_tokens": len(tokens[0]),
            "options": list(choice.options),
            "option_logprobs": list(values[1:]),
            "option_tokens": [len(option) for option in tokens[1:]],
            "truncated": prompt.cut > 0,
        }
