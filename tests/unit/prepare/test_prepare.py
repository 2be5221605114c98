"""prepare: rows in, tokens and counts out, and every row accounted for."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from support.context import FakeContext

from clt_jobs.data import tokens as token_files
from clt_jobs.data.encode import encode_prompts, leading_tokens
from clt_jobs.data.rows import Row, write_rows
from clt_jobs.data.tokens import read_tokens
from clt_jobs.models.load import save_tokenizer
from clt_jobs.models.tokenizers import build_tokenizer
from clt_jobs.prepare import step
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.prepare import PrepareParams, Template

ROWS = [
    Row("a", "1", "es", prompt="uno", response="1"),
    Row("b", "2", "es", prompt="dos más", response="22"),
    Row("c", "3", "es", prompt="tres", response=None),
    Row("d", "4", "es", prompt=None, response="4"),
    Row("e", "5", "es", prompt="cinco", response=""),
    Row("f", "6", "es", prompt="siete y ocho", response="15"),
]


@pytest.fixture
def run(tmp_path: Path) -> Any:
    tokenizer = build_tokenizer("characters", "á")
    save_tokenizer(tokenizer, tmp_path / "tokenizer")

    def prepared(rows: list[Row], name: str = "run", **fields: Any) -> FakeContext:
        source = tmp_path / name / "rows"
        source.mkdir(parents=True)
        write_rows(source, rows)
        context = FakeContext(
            tmp_path / name, {"rows": source, "tokenizer": tmp_path / "tokenizer"}
        )
        step.prepare(PrepareParams(**({"language": "es", "task": "T"} | fields)), context)
        return context

    prepared.tokenizer = tokenizer  # type: ignore[attr-defined]
    return prepared


def counts(context: FakeContext) -> dict[str, Any]:
    return json.loads((context.outputs["counts"] / "counts.json").read_text(encoding="utf-8"))


def test_prompt_and_response_are_tokenised_apart_and_the_end_is_supervised(run: Any) -> None:
    table = read_tokens(run(ROWS[:2]).outputs["tokens"])
    end = run.tokenizer.eos_token_id
    assert table.ids.to_pylist() == ["a", "b"]
    assert table.items.to_pylist() == ["1", "2"]
    assert table.row(0).tolist() == [*run.tokenizer("uno")["input_ids"], *tokens(run, "1"), end]
    assert table.row(1)[table.prompt_lengths[1] :].tolist() == [*tokens(run, "22"), end]
    assert table.prompt_lengths.tolist() == [3, 7]
    assert table.supervised.tolist() == [2, 3]


def tokens(run: Any, text: str) -> list[int]:
    return run.tokenizer(text)["input_ids"]


def test_promise_nothing_silent_every_row_is_written_or_counted(run: Any) -> None:
    context = run(ROWS, max_length=14)
    figures = counts(context)
    assert figures["dropped"] == {
        "empty response": 1,
        "no prompt": 1,
        "no response": 1,
        "too long": 1,
    }
    assert figures["rows"] + sum(figures["dropped"].values()) == figures["rows_read"] == 6
    assert context.figures == figures


def test_counts_are_of_the_rows_written(run: Any) -> None:
    figures = counts(run(ROWS[:2]))
    assert figures["tokens"] == 5 + 10
    assert figures["supervised_tokens"] == 2 + 3
    assert figures["characters"] == 4 + 9
    assert figures["bytes"] == 4 + 10  # á is two


def test_a_long_row_can_be_truncated_and_is_counted(run: Any) -> None:
    context = run([ROWS[1], ROWS[5]], max_length=8, too_long="truncate")
    table = read_tokens(context.outputs["tokens"])
    assert table.lengths.tolist() == [8]
    assert counts(context)["truncated"] == 1
    assert counts(context)["dropped"] == {"prompt too long": 1}  # no answer would be left


def test_a_row_without_a_prompt_in_its_template_has_one_token_of_context(run: Any) -> None:
    table = read_tokens(run(ROWS[1:2], template=Template(prompt="")).outputs["tokens"])
    assert table.prompt_lengths.tolist() == [1]
    assert table.row(0).tolist() == [*tokens(run, "22"), run.tokenizer.eos_token_id]


def test_the_same_rows_give_the_same_bytes(run: Any) -> None:
    files = [
        (run(ROWS, name).outputs["tokens"] / token_files.FILE_NAME).read_bytes()
        for name in ("first", "second")
    ]
    assert files[0] == files[1]


def test_tables_of_several_row_groups_read_as_one(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [Row(f"r{n}", f"i{n}", "es", prompt="p" * (n % 5), response=str(n)) for n in range(25)]
    monkeypatch.setattr(step, "ROW_GROUP", 10)
    directory = run(rows, template=Template(prompt="{prompt}=")).outputs["tokens"]
    assert pq.read_metadata(directory / token_files.FILE_NAME).num_row_groups == 3
    table = read_tokens(directory)
    assert len(table) == 25
    for n in range(25):
        expected = tokens(run, "p" * (n % 5) + "=" + str(n))
        assert table.row(n).tolist() == [*expected, run.tokenizer.eos_token_id]


def test_rows_of_which_none_can_be_used_are_an_error_with_the_reasons(run: Any) -> None:
    with pytest.raises(InputError, match=r"none of 1 rows .*'no response': 1"):
        run(ROWS[2:3])


def test_a_field_that_no_row_has_is_an_error(run: Any) -> None:
    with pytest.raises(InputError, match="'question'"):
        run(ROWS[:1], template=Template(prompt="{question}"))


def test_no_rows_give_an_empty_table(run: Any) -> None:
    context = run([])
    assert len(read_tokens(context.outputs["tokens"])) == 0
    assert counts(context)["rows"] == 0


def test_a_file_that_is_no_tokens_artifact_is_named(tmp_path: Path) -> None:
    (tmp_path / token_files.FILE_NAME).write_bytes(b"PAR1 cut short")
    with pytest.raises(InputError, match=r"tokens\.parquet: not a readable tokens artifact"):
        read_tokens(tmp_path)


def with_leading_token() -> Any:
    """A tokenizer that puts ``<pad>`` before every text, as Llama does its own token."""
    from tokenizers.processors import TemplateProcessing

    tokenizer = build_tokenizer("bytes", "")
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<pad> $A", pair="<pad> $A $B", special_tokens=[("<pad>", tokenizer.pad_token_id)]
    )
    return tokenizer


def test_what_the_tokenizer_puts_before_a_text_is_put_once_and_not_before_chat() -> None:
    tokenizer = with_leading_token()
    assert leading_tokens(tokenizer) == [0]
    plain, chat = (encode_prompts(tokenizer, ["ab"], chat=chat)[0] for chat in (False, True))
    assert plain == [0, *chat]
    assert leading_tokens(build_tokenizer("bytes", "")) == []
