"""The score step: items and summary from records, and records of the wrong kind refused."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.context import FakeContext

from clt_jobs.data.parquet import write_records
from clt_jobs.generate.records import SCHEMA as GENERATIONS
from clt_jobs.languages.identify import SIGNATURE
from clt_jobs.likelihood.records import SCHEMA as LIKELIHOODS
from clt_jobs.score.step import score
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.score import ScoreParams


def generation(item: str, output: str, answer: str, finish: str = "stop") -> dict:
    return {
        "item": item,
        "cluster": None if item == "a" else "c",
        "prompt_sha256": "0" * 64,
        "prompt_tokens": 3,
        "output": output,
        "output_tokens": len(output),
        "finish_reason": finish,
        "answer": answer,
        "response": answer,
        "prompt": "?",
    }


def likelihood(item: str, gold: float, *options: float) -> dict:
    return {
        "item": item,
        "cluster": None,
        "prompt_sha256": "0" * 64,
        "gold": "1",
        "gold_logprob": gold,
        "gold_tokens": 1,
        "options": ["x"] * len(options),
        "option_logprobs": list(options),
        "option_tokens": [1] * len(options),
        "truncated": False,
    }


def run(root: Path, schema, records: list[dict], metric: str, **fields: object) -> FakeContext:
    directory = root / "records"
    directory.mkdir(parents=True)
    write_records(directory / "records.parquet", schema, records)
    context = FakeContext(root / "run", {"records": directory})
    score(ScoreParams(metric=metric, task="t", **{"language": "en", **fields}), context)
    return context


CELL = [
    generation("a", "7 + 9 = 16", "16"),
    generation("b", "no idea", "4"),
    generation("c", "The answer is 5", "5"),
    generation("d", "1 1 1 1 1", "1", "length"),
]


def summary(context: FakeContext) -> dict:
    return json.loads((context.outputs["summary"] / "summary.json").read_text())


def test_items_and_summary_of_generations(tmp_path: Path) -> None:
    context = run(tmp_path, GENERATIONS, CELL, "math_accuracy")
    table = pq.read_table(context.outputs["items"] / "items.parquet").to_pydict()
    assert table["item"] == ["a", "b", "c", "d"]
    assert table["cluster"] == [None, "c", "c", "c"]
    assert table["score"] == [1.0, 0.0, 1.0, 0.0]
    assert table["failed"] == [False, True, False, False]
    assert table["truncated"] == [False, False, False, True]
    assert table["flags"][0] == "got=16;strict=none"
    found = summary(context)
    assert (found["n"], found["mean"], found["failed"], found["truncated"]) == (4, 0.5, 1, 1)
    assert found["strict_mean"] == 0.25
    assert found["signature"].startswith("math_accuracy|v:1|")
    assert context.figures == {
        **{"n": 4, "mean": 0.5, "failed": 1, "truncated": 1},
        **{"told": 2, "wrong_language": 0},
    }


def test_items_and_summary_of_likelihoods(tmp_path: Path) -> None:
    records = [likelihood("a", -1.0, -2.0), likelihood("b", -3.0, -2.0)]
    found = summary(run(tmp_path, LIKELIHOODS, records, "gold_margin"))
    assert found["mean"] == 0.0
    assert found["above_zero"] == 1


ANSWERS = [
    generation("a", "答えは四十二です。", "42"),
    generation("b", "The answer is 42.", "42"),
    generation("c", "42", "42"),
]


def test_promise_nothing_silent_answers_in_a_wrong_language_are_counted(tmp_path: Path) -> None:
    context = run(tmp_path, GENERATIONS, ANSWERS, "math_accuracy", language="ja")
    table = pq.read_table(context.outputs["items"] / "items.parquet").to_pydict()
    assert table["wrong_language"] == [False, True, None]
    assert table["score"][1] == 1.0  # the score is the metric's alone
    found = summary(context)
    assert (found["told"], found["wrong_language"]) == (2, 1)
    assert f"|language:{SIGNATURE}" in found["signature"]


def test_likelihoods_are_in_no_language(tmp_path: Path) -> None:
    context = run(tmp_path, LIKELIHOODS, [likelihood("a", -1.0, -2.0)], "gold_margin")
    table = pq.read_table(context.outputs["items"] / "items.parquet").to_pydict()
    assert table["wrong_language"] == [None]
    found = summary(context)
    assert (found["told"], found["wrong_language"]) == (0, 0)
    assert "language:" not in found["signature"]


def test_a_corpus_metric_keeps_its_corpus_score(tmp_path: Path) -> None:
    found = summary(run(tmp_path, GENERATIONS, CELL, "chrf"))
    assert 0 < found["corpus_score"] < 1


def test_the_same_records_give_the_same_bytes(tmp_path: Path) -> None:
    contexts = [run(tmp_path / n, GENERATIONS, CELL, "rouge_l") for n in ("a", "b")]
    for name, file in (("items", "items.parquet"), ("summary", "summary.json")):
        first, second = ((c.outputs[name] / file).read_bytes() for c in contexts)
        assert first == second


@pytest.mark.parametrize(
    ("schema", "records", "fields", "message"),
    [
        (GENERATIONS, CELL, {"metric": "rogue_l"}, "did you mean 'rouge_l'"),
        (GENERATIONS, CELL, {"metric": "rouge_l", "arguments": {"stem": True}}, "stem"),
        (GENERATIONS, CELL, {"metric": "gold_margin"}, "reads records of a likelihood step"),
        (
            LIKELIHOODS,
            [likelihood("a", -1.0, -2.0)],
            {"metric": "rouge_l"},
            "reads records of a generate step",
        ),
        (GENERATIONS, [], {"metric": "rouge_l"}, "no records"),
        (
            LIKELIHOODS,
            [likelihood("a", float("-inf"), -2.0)],
            {"metric": "gold_margin"},
            "item 'a' has a gold_margin of -inf",
        ),
    ],
)
def test_faults_of_the_input(tmp_path: Path, schema, records, fields, message) -> None:
    with pytest.raises(InputError, match=message):
        run(tmp_path, schema, records, **fields)


def test_an_unreadable_file_is_the_inputs_fault(tmp_path: Path) -> None:
    directory = tmp_path / "records"
    directory.mkdir()
    (directory / "records.parquet").write_bytes(b"PAR1 torn")
    context = FakeContext(tmp_path / "run", {"records": directory})
    with pytest.raises(InputError, match="not a readable Parquet file"):
        score(ScoreParams(metric="rouge_l", task="t", language="en"), context)
