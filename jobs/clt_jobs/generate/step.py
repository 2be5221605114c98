"""The generate step: rows and a checkpoint in, one record per item out."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from clt_jobs.context import Context, StopRequested
from clt_jobs.data.parquet import write_records
from clt_jobs.data.rows import Row, read_rows
from clt_jobs.data.templates import NullField, render_response
from clt_jobs.generate.checkpoint import open_checkpoint
from clt_jobs.generate.decode import Answer, decode, decoding_fields
from clt_jobs.generate.items import choose_items, choose_shots
from clt_jobs.generate.prompts import Prompt, make_prompts, prompt_limit
from clt_jobs.generate.records import FILE_NAME, SCHEMA
from clt_operator.api import telemetry as series
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.generate import GenerateParams
from clt_operator.api.kinds.prepare import Template

BATCH_SIZE = 32

Cell = tuple[str, str]  # task, language


def generate(params: GenerateParams, context: Context) -> None:
    """Writes ``records``; counts items, truncated answers and cut prompts in the summary.

    Raises InputError for rows, worked examples or a model that cannot be used.
    """
    fix_threads(context)
    checkpoint = open_checkpoint(context.input("model"), params.precision)
    rows, shots = cell_rows(params, context)
    limit = prompt_limit(checkpoint.model, params.max_length, params.max_new_tokens)
    prompts = make_prompts(params.template, rows, shots, checkpoint.tokenizer, limit)
    answers = decode(
        checkpoint,
        [prompt.tokens for prompt in prompts],
        [row.item for row in rows],
        decoding_fields(params),
        batch_size=batch_size(context),
        progress=reporter(context, len(rows), (params.task, params.language)),
        hear=listener(context, (params.task, params.language)),
    )
    references = [_reference(params.template, row) for row in rows]
    records = _records(rows, references, prompts, answers)
    write_records(context.output("records") / FILE_NAME, SCHEMA, records)
    reasons = Counter(answer.finish_reason for answer in answers)
    context.summarise(
        items=len(rows),
        truncated=reasons["length"],
        without_reference=references.count(None),
        prompts_cut=sum(prompt.cut > 0 for prompt in prompts),
        prompt_tokens=sum(len(prompt.tokens) for prompt in prompts),
        output_tokens=sum(answer.tokens for answer in answers),
    )


def cell_rows(params: Any, context: Context) -> tuple[list[Row], list[Row]]:
    """(evaluated rows, worked examples) of a generate or likelihood step."""
    rows = read_rows(context.input("rows"))
    chosen = choose_items(rows, params.language, params.items, params.item_seed)
    if not params.shots:
        return chosen, []
    if not context.has_input("shots"):
        raise InputError(f"{params.shots} worked examples are asked for, but no source of them")
    return chosen, choose_shots(read_rows(context.input("shots")), params.shots, chosen)


def batch_size(context: Context) -> int:
    """The hint ``batch_size``: sequences that a forward pass reads at once."""
    return max(1, int(context.hints.get("batch_size") or BATCH_SIZE))


def reporter(context: Context, total: int, cell: Cell) -> Callable[[int], None]:
    """Reports progress after each batch, and stops there on request: a cell is begun anew."""
    context.telemetry.add(series.ITEMS, 0, *cell)
    counted = 0

    def report(done: int) -> None:
        nonlocal counted
        context.progress(done=done, total=total)
        context.telemetry.add(series.ITEMS, done - counted, *cell)
        counted = done
        if context.stop_requested and done < total:
            raise StopRequested

    return report


def listener(context: Context, cell: Cell) -> Callable[[Sequence[Answer]], None]:
    """Counts what each batch of answers brought."""

    def hear(answers: Sequence[Answer]) -> None:
        cut = sum(answer.finish_reason == "length" for answer in answers)
        context.telemetry.add(series.ITEM_TOKENS, sum(a.tokens for a in answers), *cell)
        context.telemetry.add(series.TRUNCATED, cut, *cell)

    hear([])
    return hear


def fix_threads(context: Context) -> None:
    """Applies the hint ``threads``: the same count gives the same bytes on one kind of CPU."""
    import torch

    from clt_jobs.train.runtime import fix_runtime

    threads = int(context.hints.get("threads") or 0) or torch.get_num_threads()
    fix_runtime(threads, cpu=not torch.cuda.is_available())


def _reference(template: Template, row: Row) -> str | None:
    """The text that training would have supervised; None where the row lacks a part of it."""
    try:
        return render_response(template, row)
    except NullField:
        return None


def _records(
    rows: Sequence[Row],
    references: Sequence[str | None],
    prompts: Sequence[Prompt],
    answers: Sequence[Answer],
) -> Iterator[dict[str, Any]]:
    for row, response, prompt, answer in zip(rows, references, prompts, answers, strict=True):
        yield {
            "item": row.item,
            "cluster": row.cluster,
            "prompt_sha256": prompt.sha256,
            "prompt_tokens": len(prompt.tokens),
            "output": answer.text,
            "output_tokens": answer.tokens,
            "finish_reason": answer.finish_reason,
            "answer": row.answer,
            "response": response,
            "prompt": prompt.text,
        }
