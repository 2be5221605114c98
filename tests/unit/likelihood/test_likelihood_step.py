"""The likelihood step as a whole: records that a direct computation confirms, and faults."""

import math
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch
from support.context import FakeContext
from support.tiny import save_tiny

from clt_jobs.data.rows import Row, write_rows
from clt_jobs.likelihood.records import read_likelihoods
from clt_jobs.likelihood.step import likelihood
from clt_jobs.models.load import load_model, load_tokenizer
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.likelihood import Distractors, LikelihoodParams


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("model"))


def rows(count: int) -> list[Row]:
    return [
        Row(id=f"en-{n}", item=str(n), language="en", prompt=f"{n} + 9 ?", answer=str(n + 9))
        for n in range(count)
    ]


def run(root: Path, model: Path, source: list[Row], **fields: object) -> FakeContext:
    directory = root / "rows"
    directory.mkdir(parents=True)
    write_rows(directory, source)
    context = FakeContext(root / "run", {"model": model, "rows": directory})
    likelihood(LikelihoodParams(**{"task": "sums", "language": "en", **fields}), context)
    return context


def test_records_hold_what_a_direct_computation_gives(tmp_path: Path, model: Path) -> None:
    context = run(tmp_path, model, rows(5), continuation=" = {answer}")
    found = read_likelihoods(context.outputs["records"])
    network, tokenizer = load_model(model), load_tokenizer(model)
    assert [record.item for record in found] == [str(n) for n in range(5)]
    for n, record in enumerate(found):
        texts = [f" = {answer}" for answer in (record.gold, *record.options)]
        assert record.gold == str(n + 9)
        assert len(record.options) == 8
        prompt = tokenizer(f"{n} + 9 ?")["input_ids"]
        for text, value in zip(texts, (record.gold_logprob, *record.option_logprobs), strict=True):
            tokens = tokenizer(text)["input_ids"]
            with torch.inference_mode():
                logits = network(torch.tensor([prompt + tokens])).logits[0, len(prompt) - 1 : -1]
            logprobs = torch.log_softmax(logits.double(), -1)
            wanted = math.fsum(float(logprobs[i, token]) for i, token in enumerate(tokens))
            assert value == pytest.approx(wanted, abs=1e-4)


def test_the_table_counts_tokens_and_the_step_what_it_lacked(tmp_path: Path, model: Path) -> None:
    source = [*rows(3), Row(id="l", item="l", language="en", prompt="x" * 90, answer="12")]
    context = run(
        tmp_path, model, source, max_length=50, distractors=Distractors(rule="pool", count=8)
    )
    table = pq.read_table(context.outputs["records"] / "records.parquet").to_pylist()
    assert [row["truncated"] for row in table] == [False, False, False, True]
    assert table[1]["gold_tokens"] == len("10")
    assert table[1]["option_tokens"] == [len(option) for option in table[1]["options"]]
    assert context.figures["prompts_cut"] == 1
    assert context.figures["short_of_distractors"] == 4
    assert context.figures["items"] == 4
    assert context.reported[-1] == {"done": 4, "total": 4}


def test_the_same_step_gives_the_same_bytes(tmp_path: Path, model: Path) -> None:
    both = [
        (run(tmp_path / name, model, rows(5)).outputs["records"] / "records.parquet").read_bytes()
        for name in ("a", "b")
    ]
    assert both[0] == both[1]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"continuation": "= 4"}, r"has no \{answer\}"),
        ({"items": 9}, "9 items are asked for"),
        ({"language": "sw"}, "no language 'sw'"),
        ({"shots": 2}, "no source of them"),
    ],
)
def test_faults_of_the_input(tmp_path: Path, model: Path, fields, message) -> None:
    with pytest.raises(InputError, match=message):
        run(tmp_path, model, rows(3), **fields)
