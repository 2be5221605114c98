"""The example with a real model goes on being a valid study, whatever the spec language becomes.

Data and model are small fakes in the form of the real files: what is tested is that the example
loads, that its columns fit those files, and that it amounts to the study it says it is.
"""

import csv
import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.context import FakeContext
from support.specs import EXAMPLES

from clt_jobs.data.rows import read_rows
from clt_jobs.fetch.step import fetch
from clt_operator.api.errors import SpecError
from clt_operator.api.kinds.fetch import FetchParams
from clt_operator.cli.specs import Study, read_spec, study
from docs.results.tables import as_csv, contrasts, levels

RESULTS = EXAMPLES.parent / "docs" / "results" / "smollm-math"
LANGUAGES = ["en", "es", "fr", "ja", "zh", "de", "ru", "th", "sw", "bn"]


def write_inputs(root: Path, problems: int) -> list[str]:
    """Fake data and a fake model file; returns the variables that name them."""
    for name in ("msvamp", "mgsm"):
        (root / name).mkdir()
    for language in LANGUAGES:
        rows = [
            {
                "question": f" {language}: {n} and {n} more ?",
                "equation": "+ number0 number1",
                "answer": f"{2 * n}.0",
            }
            for n in range(problems)
        ]
        (root / "msvamp" / f"test_{language}.json").write_text(json.dumps(rows), encoding="utf-8")
        lines = [f'{language}: "{n}" times 1,000?\t{n},000\n' for n in range(1, 31)]
        text = "".join(lines)
        (root / "mgsm" / f"mgsm_{language}.tsv").write_text(text, encoding="utf-8")
    (root / "model.gguf").write_bytes(b"GGUF")
    return [f"DATA={root}", f"MODEL={root / 'model.gguf'}"]


def planned(root: Path, problems: int = 400) -> Study:
    variables = write_inputs(root, problems)
    loaded, base = read_spec(str(EXAMPLES / "smollm-math.yaml"), None, variables)
    return study(loaded, base, None, offline=True)


def test_the_example_is_three_points_and_one_control_with_two_seeds(tmp_path: Path) -> None:
    found = planned(tmp_path).plan
    counts = found.counts
    assert (counts["runs"], counts["trainings"]) == (8, 8)
    assert (counts["evaluations"], counts["cells"]) == (
        18,
        180,
    )  # 8 trained and 1 untrained × 2 × 10
    sizes = {(p.k, p.control): sum(count for *_, count in p.quotas) for p in found.points}
    assert sizes == {(0, ""): 64, (16, ""): 128, (64, ""): 320, (64, "pivot_matched"): 320}


def test_what_the_command_line_named_is_in_the_lock(tmp_path: Path) -> None:
    lock = planned(tmp_path).lock
    assert lock.variables["DATA"] == str(tmp_path)
    assert lock.unpinned == []
    assert {rows.rows for held in lock.sources.values() for rows in held.languages.values()} == {
        400,
        30,
    }


@pytest.mark.parametrize(
    ("task", "prompt", "answer", "response"),
    [
        ("msvamp", "es: 7 and 7 more ?", "14", "+ number0 number1"),
        ("mgsm", 'es: "8" times 1,000?', "8000", None),
    ],
)
def test_the_columns_fit_the_form_of_the_data(
    task: str, prompt: str, answer: str, response: str | None, tmp_path: Path
) -> None:
    steps = planned(tmp_path).plan.graph.steps.values()
    wanted = {"task": task, "language": "es"}
    (step,) = [s for s in steps if s.kind == "fetch" and wanted.items() <= s.labels.items()]
    assert isinstance(step.work.params, FetchParams)
    context = FakeContext(tmp_path / "run", hints=step.hints)
    fetch(step.work.params, context)
    row = read_rows(context.outputs["rows"])[7]
    assert (row.item, row.prompt, row.answer, row.response) == ("7", prompt, answer, response)


def test_too_few_problems_are_told_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="320 rows of 'en'"):
        planned(tmp_path, problems=300)


def test_data_that_are_not_named_are_told(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="DATA"):
        read_spec(str(EXAMPLES / "smollm-math.yaml"), None, [f"MODEL={tmp_path}"])


@pytest.mark.parametrize(
    ("task", "metric"),
    [
        (task, metric)
        for task in ("msvamp", "mgsm")
        for metric in ("gold_margin", "choice_accuracy", "math_accuracy")
    ],
)
def test_the_page_of_results_shows_what_its_tables_hold(task: str, metric: str) -> None:
    text = (RESULTS / "README.md").read_text(encoding="utf-8")
    assert contrasts(RESULTS) in text
    assert levels(RESULTS, task, metric) in text


def test_tables_become_text_without_loss(tmp_path: Path) -> None:
    table = pa.table({"value": [0.1, None], "name": ["k=0, a", 'of "b"']})
    pq.write_table(table, tmp_path / "t.parquet")
    (written,) = as_csv(tmp_path, tmp_path / "text")
    with written.open(encoding="utf-8", newline="") as stream:
        assert list(csv.DictReader(stream)) == [
            {"value": "0.1", "name": "k=0, a"},
            {"value": "", "name": 'of "b"'},
        ]


def test_results_name_no_machine() -> None:
    for path in RESULTS.iterdir():
        assert not re.search(r"/(work|root|home|tmp|Users)/", path.read_text(encoding="utf-8")), (
            path
        )
