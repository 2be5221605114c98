"""The generate step as a whole: records, counts, determinism, faults of the input."""

import hashlib
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.context import FakeContext
from support.tiny import save_tiny

from clt_jobs.context import StopRequested
from clt_jobs.data.rows import Row, write_rows
from clt_jobs.generate import checkpoint as checkpoints
from clt_jobs.generate.records import read_generations
from clt_jobs.generate.step import generate
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.generate import GenerateParams
from clt_operator.api.kinds.prepare import Template


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("model"))


def directory(path: Path, rows: list[Row]) -> Path:
    path.mkdir()
    write_rows(path, rows)
    return path


def sums(count: int, **fields: str | None) -> list[Row]:
    return [
        Row(
            id=f"en-{n}",
            item=str(n),
            language="en",
            cluster=f"c{n // 2}",
            prompt=f"{n} + {n} ?",
            response=f"{n} + {n} = {2 * n}",
            answer=str(2 * n),
            **fields,
        )
        for n in range(count)
    ]


def params(**fields: object) -> GenerateParams:
    return GenerateParams(**{"task": "sums", "language": "en", "max_new_tokens": 6, **fields})


def run(tmp_path: Path, model: Path, rows: list[Row], asked: GenerateParams, **more):
    inputs = {"model": model, "rows": directory(tmp_path / "rows", rows)}
    if "shots" in more:
        inputs["shots"] = directory(tmp_path / "shots", more.pop("shots"))
    context = FakeContext(tmp_path / "run", inputs, **more)
    generate(asked, context)
    return context


def records(context: FakeContext) -> list[dict]:
    return pq.read_table(context.outputs["records"] / "records.parquet").to_pylist()


def test_one_record_per_item_in_the_order_of_the_rows(tmp_path: Path, model: Path) -> None:
    context = run(tmp_path, model, sums(9), params(), hints={"batch_size": 4})
    found = records(context)
    assert [record["item"] for record in found] == [str(n) for n in range(9)]
    third = found[3]
    assert third["prompt"] == "3 + 3 ?"
    assert third["prompt_sha256"] == hashlib.sha256(b"3 + 3 ?").hexdigest()
    assert third["prompt_tokens"] == len("3 + 3 ?")
    assert (third["answer"], third["response"]) == ("6", "3 + 3 = 6")
    assert third["cluster"] == "c1"
    assert third["finish_reason"] in {"stop", "length"}
    assert third["output_tokens"] <= 6
    assert context.figures["items"] == 9
    assert context.reported[-1] == {"done": 9, "total": 9}
    lengths = sum(record["finish_reason"] == "length" for record in found)
    assert context.figures["truncated"] == lengths


def test_the_same_step_gives_the_same_bytes(tmp_path: Path, model: Path) -> None:
    both = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        context = run(tmp_path / name, model, sums(9), params(temperature=0.7))
        both.append((context.outputs["records"] / "records.parquet").read_bytes())
    assert both[0] == both[1]


def test_worked_examples_precede_the_question_in_the_files_order(
    tmp_path: Path, model: Path
) -> None:
    shots = [Row(id=f"s{n}", item=f"s{n}", language="es", prompt=f"q{n}", response=f"r{n}")
             for n in range(3)]  # fmt: skip
    template = Template(shot="{prompt}={response}", separator=" | ")
    context = run(tmp_path, model, sums(2), params(shots=2, template=template), shots=shots)
    assert records(context)[1]["prompt"] == "q0=r0 | q1=r1 | 1 + 1 ?"


def test_asking_for_worked_examples_without_a_source_is_the_inputs_fault(
    tmp_path: Path, model: Path
) -> None:
    with pytest.raises(InputError, match="no source of them"):
        run(tmp_path, model, sums(2), params(shots=2))


def test_long_prompts_are_cut_from_the_left_and_counted(tmp_path: Path, model: Path) -> None:
    rows = [*sums(3), Row(id="long", item="long", language="en", prompt="x" * 300 + "5 ?")]
    context = run(tmp_path, model, rows, params(max_length=20))
    assert context.figures["prompts_cut"] == 1
    assert records(context)[3]["prompt_tokens"] == 20
    assert context.figures["without_reference"] == 1  # the long row has no response


def test_a_prompt_leaves_room_for_the_answer_in_the_models_positions(
    tmp_path: Path, model: Path
) -> None:
    rows = [Row(id="long", item="long", language="en", prompt="x" * 600)]
    context = run(tmp_path, model, rows, params(max_new_tokens=12, max_length=9999))
    assert records(context)[0]["prompt_tokens"] == 500
    (tmp_path / "again").mkdir()
    with pytest.raises(InputError, match="512 positions"):
        run(tmp_path / "again", model, rows, params(max_new_tokens=512))


def test_text_of_rows_and_models_is_data(tmp_path: Path, model: Path) -> None:
    hostile = "{answer} {0.__class__} %s $(x)"
    rows = [Row(id="1", item="1", language="en", prompt=hostile, response="{prompt}", answer="1")]
    record = records(run(tmp_path, model, rows, params()))[0]
    assert record["prompt"] == hostile
    assert record["response"] == "{prompt}"


def test_cells_of_one_checkpoint_load_it_once(tmp_path: Path, model: Path, monkeypatch) -> None:
    loads: list[Path] = []
    real = checkpoints.load_model
    monkeypatch.setattr(
        checkpoints, "load_model", lambda path, precision: loads.append(path) or real(path)
    )
    checkpoints._open.cache_clear()
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
        run(tmp_path / name, model, sums(2), params())
    assert loads == [model.resolve()]


def test_a_stop_is_obeyed_between_batches(tmp_path: Path, model: Path) -> None:
    with pytest.raises(StopRequested):
        run(tmp_path, model, sums(9), params(), hints={"batch_size": 2}, stop_after=4)


def test_records_read_back_as_generations(tmp_path: Path, model: Path) -> None:
    context = run(tmp_path, model, sums(3), params())
    found = read_generations(context.outputs["records"])
    assert [(record.item, record.answer, record.cluster) for record in found] == [
        ("0", "0", "c0"),
        ("1", "2", "c0"),
        ("2", "4", "c1"),
    ]
