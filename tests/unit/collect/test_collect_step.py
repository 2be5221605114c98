"""The collect step: every cell by its index, missing ones with their reason, bounded memory."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.context import FakeContext

from clt_jobs.collect import step as collecting
from clt_jobs.collect.step import collect
from clt_jobs.data.parquet import write_records
from clt_jobs.score.step import ITEMS_SCHEMA
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.collect import Cell, CollectParams

NAMES = ["cell", "training", "task", "language", "metric"]
FIGURES = ["n", "mean", "failed", "truncated", "told", "wrong_language", "signature"]


def write_cell(directory: Path, scores: list[float], **summary: object) -> Path:
    directory.mkdir(parents=True)
    items = [
        {
            "item": f"i{n}",
            "cluster": None,
            "score": value,
            "failed": value == 0.0,
            "truncated": False,
            "flags": "",
            "wrong_language": [None, True, False][n % 3],
        }
        for n, value in enumerate(scores)
    ]
    write_records(directory / "items.parquet", ITEMS_SCHEMA, items)
    figures = {
        "n": len(scores),
        "mean": sum(scores) / len(scores),
        "failed": sum(value == 0.0 for value in scores),
        "truncated": 0,
        "told": len(scores) - (len(scores) + 2) // 3,
        "wrong_language": (len(scores) + 1) // 3,
        "signature": "s|v:1",
        "strict_mean": None,
    }
    (directory / "summary.json").write_text(json.dumps({**figures, **summary}))
    return directory


def cell(language: str, missing: str = "") -> Cell:
    return Cell(training="t" * 64, task="sums", language=language, metric="m", missing=missing)


def run(root: Path, cells: list[Cell], directories: dict[int, Path], **more) -> FakeContext:
    inputs = {
        f"{kind}/{index}": path
        for index, path in directories.items()
        for kind in ("cell", "summary")
    }
    context = FakeContext(root, inputs, **more)
    collect(CollectParams(cells=cells), context)
    return context


def tables(context: FakeContext) -> tuple[dict, dict]:
    return tuple(
        pq.read_table(context.outputs[name] / f"{name}.parquet").to_pydict()
        for name in ("scores", "cells")
    )


def test_scores_carry_their_cell_and_missing_cells_their_reason(tmp_path: Path) -> None:
    directories = {
        0: write_cell(tmp_path / "0", [1.0, 0.0]),
        2: write_cell(tmp_path / "2", [0.5], corpus_score=0.25),
    }
    cells = [cell("en"), cell("sw", "training failed: out of memory"), cell("ja")]
    context = run(tmp_path / "run", cells, directories)
    scores, found = tables(context)
    assert scores["cell"] == [0, 0, 2]
    assert scores["language"] == ["en", "en", "ja"]
    assert scores["item"] == ["i0", "i1", "i0"]
    assert scores["score"] == [1.0, 0.0, 0.5]
    assert scores["failed"] == [False, True, False]
    assert found["cell"] == [0, 1, 2]
    assert found["n"] == [2, 0, 1]
    assert found["mean"] == [0.5, None, 0.5]
    assert found["failed"] == [1, 0, 0]
    assert scores["wrong_language"] == [None, True, None]
    assert found["told"] == [1, 0, 0]
    assert found["wrong_language"] == [1, 0, 0]
    assert found["corpus_score"] == [None, None, 0.25]
    assert found["signature"] == ["s|v:1", "", "s|v:1"]
    assert found["missing"] == ["", "training failed: out of memory", ""]
    assert context.figures == {"cells": 3, "missing": 1, "rows": 3}


def test_tables_have_the_columns_of_the_contract(tmp_path: Path) -> None:
    context = run(tmp_path / "run", [cell("en")], {0: write_cell(tmp_path / "0", [1.0])})
    scores, cells = tables(context)
    assert list(scores) == [
        *NAMES,
        "item",
        "cluster",
        "score",
        "failed",
        "truncated",
        "wrong_language",
    ]
    assert list(cells) == [*NAMES, *FIGURES, "corpus_score", "missing"]


def test_the_same_cells_give_the_same_bytes(tmp_path: Path) -> None:
    directories = {n: write_cell(tmp_path / str(n), [1.0, 0.0, 0.5]) for n in range(3)}
    cells = [cell("en"), cell("es"), cell("ja")]
    first, second = (run(tmp_path / name, cells, directories) for name in ("a", "b"))
    for name in ("scores", "cells"):
        bytes_ = [(c.outputs[name] / f"{name}.parquet").read_bytes() for c in (first, second)]
        assert bytes_[0] == bytes_[1]


def test_row_groups_are_full_whatever_the_cells_sizes(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(collecting, "ROW_GROUP", 10)
    sizes = [3, 12, 1, 25]
    directories = {
        n: write_cell(tmp_path / str(n), [float(n)] * size) for n, size in enumerate(sizes)
    }
    context = run(tmp_path / "run", [cell("en")] * 4, directories)
    metadata = pq.ParquetFile(context.outputs["scores"] / "scores.parquet").metadata
    groups = [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)]
    assert groups == [10, 10, 10, 10, 1]
    scores, _ = tables(context)
    assert scores["cell"] == [n for n, size in enumerate(sizes) for _ in range(size)]


def test_all_cells_missing_gives_an_empty_table(tmp_path: Path) -> None:
    scores, cells = tables(run(tmp_path / "run", [cell("en", "never ran")], {}))
    assert scores["cell"] == []
    assert cells["missing"] == ["never ran"]


def test_a_cell_neither_there_nor_declared_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cell 0 \(sums, en, m\): there is no input 'summary/0'"):
        run(tmp_path / "run", [cell("en")], {})


def test_a_torn_summary_is_the_inputs_fault(tmp_path: Path) -> None:
    directory = write_cell(tmp_path / "0", [1.0])
    (directory / "summary.json").write_text('{"n": 1')
    with pytest.raises(InputError, match=r"cell 0.*summary\.json"):
        run(tmp_path / "run", [cell("en")], {0: directory})


@pytest.mark.parametrize("claimed", [{"n": 3}, {"mean": 0.9}])
def test_a_summary_that_disagrees_with_its_items_is_refused(tmp_path: Path, claimed) -> None:
    directory = write_cell(tmp_path / "0", [1.0, 0.0], **claimed)
    with pytest.raises(InputError, match=r"cell 0.*disagree"):
        run(tmp_path / "run", [cell("en")], {0: directory})


_MEASURED = """
import re, sys
from pathlib import Path
from clt_jobs.collect.step import collect
from clt_operator.api.kinds.collect import Cell, CollectParams
from support.context import FakeContext

cells, root = Path(sys.argv[1]), Path(sys.argv[2])
names = [(kind, n) for n in range(5000) for kind in ("cell", "summary")]
context = FakeContext(root, {f"{kind}/{n}": cells / str(n) for kind, n in names})
named = [Cell(training="t" * 64, task="sums", language="en", metric="m")] * 5000
collect(CollectParams(cells=named), context)
peak = re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text()).group(1)
print(context.figures["rows"], peak)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_five_thousand_cells_fit_in_half_a_gigabyte_and_a_minute(tmp_path: Path) -> None:
    one = write_cell(tmp_path / "one", [n / 250 for n in range(250)])
    for index in range(5000):
        shutil.copytree(one, tmp_path / "cells" / str(index))
    arguments = [sys.executable, "-c", _MEASURED, str(tmp_path / "cells"), str(tmp_path / "run")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        arguments, env=environment, timeout=60, check=True, capture_output=True, text=True
    )
    rows, kibibytes = map(int, done.stdout.split())
    assert rows == 1_250_000
    assert kibibytes < 500 * 1024
