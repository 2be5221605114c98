"""prepare: rows become tokens, once per (rows, tokenizer, template), for all runs.

Every row that is read is either written or counted under the reason why not, so ``rows`` plus
the dropped is what came in. A row's first token has no context and is never supervised.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pyarrow as pa

from clt_jobs.context import Context
from clt_jobs.data.encode import encode, encode_prompts, end_token
from clt_jobs.data.rows import Row, iter_rows, read_table
from clt_jobs.data.templates import NullField, render_prompt, render_response
from clt_jobs.data.tokens import ROW_GROUP, SCHEMA, open_writer
from clt_jobs.models.load import load_tokenizer
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.prepare import PrepareParams


@dataclass
class Counts:
    """What became of the rows; ``rows`` and all sums are over the rows written."""

    rows_read: int = 0
    rows: int = 0
    dropped: Counter[str] = field(default_factory=Counter)  # reason -> rows
    truncated: int = 0  # rows written that lost their end
    tokens: int = 0
    supervised_tokens: int = 0
    bytes: int = 0  # UTF-8, of prompt and response as rendered
    characters: int = 0

    def as_json(self) -> dict[str, Any]:
        return {**vars(self), "dropped": dict(sorted(self.dropped.items()))}


@dataclass(frozen=True, slots=True)
class Encoded:
    row: Row
    tokens: list[int]
    prompt_length: int


def prepare(params: PrepareParams, context: Context) -> None:
    """Writes ``tokens`` and ``counts``. Raises InputError for rows that do not fit the
    template's fields, and where nothing is left to train on."""
    tokenizer = load_tokenizer(context.input("tokenizer"))
    table = read_table(context.input("rows"))
    counts = Counts()
    with open_writer(context.output("tokens")) as writer:
        rows = iter_rows(table)
        while batch := list(islice(rows, ROW_GROUP)):
            encoded = list(_encode(batch, params, tokenizer, counts))
            if encoded:
                writer.write_table(_table(encoded, params), row_group_size=ROW_GROUP)
            context.progress(done=counts.rows_read, total=table.num_rows)
    figures = counts.as_json()
    if table.num_rows and not counts.rows:
        raise InputError(
            f"task {params.task}, language {params.language}: none of {table.num_rows} rows can "
            f"be used: {figures['dropped']}"
        )
    text = json.dumps(figures, indent=2, ensure_ascii=False) + "\n"
    (context.output("counts") / "counts.json").write_text(text, encoding="utf-8")
    context.summarise(**figures)


def _encode(
    batch: Sequence[Row], params: PrepareParams, tokenizer: Any, counts: Counts
) -> Iterator[Encoded]:
    """The usable rows of a batch, encoded together; counts all of it."""
    counts.rows_read += len(batch)
    texts = list(_rendered(batch, params, tokenizer, counts))
    chat = params.template.chat
    prompts = encode_prompts(tokenizer, [prompt for _, prompt, _ in texts], chat=chat)
    responses = encode(tokenizer, [response for _, _, response in texts])
    end = end_token(tokenizer)
    for (row, prompt, response), head, tail in zip(texts, prompts, responses, strict=True):
        tokens = [*head, *tail, end]
        prompt_length = max(1, len(head))
        if len(tokens) > params.max_length:
            if params.too_long == "drop":
                counts.dropped["too long"] += 1
                continue
            if prompt_length >= params.max_length:
                counts.dropped["prompt too long"] += 1
                continue
            del tokens[params.max_length :]
            counts.truncated += 1
        counts.rows += 1
        counts.tokens += len(tokens)
        counts.supervised_tokens += len(tokens) - prompt_length
        counts.bytes += len(prompt.encode()) + len(response.encode())
        counts.characters += len(prompt) + len(response)
        yield Encoded(row, tokens, prompt_length)


def _rendered(
    batch: Sequence[Row], params: PrepareParams, tokenizer: Any, counts: Counts
) -> Iterator[tuple[Row, str, str]]:
    """(row, prompt, response) of the rows that have both."""
    for row in batch:
        try:
            prompt = render_prompt(params.template, row, tokenizer=tokenizer)
            response = render_response(params.template, row)
        except NullField as error:
            counts.dropped[error.reason] += 1
            continue
        if response:
            yield row, prompt, response
        else:
            counts.dropped["empty response"] += 1


def _table(encoded: Sequence[Encoded], params: PrepareParams) -> pa.Table:
    columns = {
        "id": [each.row.id for each in encoded],
        "item": [each.row.item for each in encoded],
        "language": [params.language] * len(encoded),
        "task": [params.task] * len(encoded),
        "tokens": [each.tokens for each in encoded],
        "prompt_length": [each.prompt_length for each in encoded],
    }
    return pa.Table.from_pydict(columns, schema=SCHEMA)
