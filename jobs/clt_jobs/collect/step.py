"""The collect step: thousands of small tables become one, in bounded memory.

Cells are read in their order and written in row groups of fixed size, so that the bytes depend
on the cells alone. A missing cell is carried with its reason; one that is neither there nor
declared missing is an error.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from clt_jobs.context import Context, StopRequested
from clt_jobs.data.parquet import WRITING, read_table, write_records
from clt_jobs.score.step import ITEMS_FILE, ITEMS_SCHEMA, SUMMARY_FILE
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.collect import Cell, CollectParams

FloatArray = npt.NDArray[np.float64]

SCORES_FILE = "scores.parquet"
CELLS_FILE = "cells.parquet"
ROW_GROUP = 131_072  # rows

_NAMES = ("training", "task", "language", "metric")
_ITEM_COLUMNS = ("item", "cluster", "score", "failed", "truncated", "wrong_language")
SCORES_SCHEMA = pa.schema(
    [
        pa.field("cell", pa.int32(), nullable=False),
        *(pa.field(name, pa.string(), nullable=False) for name in _NAMES),
        *(ITEMS_SCHEMA.field(name) for name in _ITEM_COLUMNS),
    ]
)
CELLS_SCHEMA = pa.schema(
    [
        pa.field("cell", pa.int32(), nullable=False),
        *(pa.field(name, pa.string(), nullable=False) for name in _NAMES),
        pa.field("n", pa.int32(), nullable=False),
        pa.field("mean", pa.float64()),
        pa.field("failed", pa.int32(), nullable=False),
        pa.field("truncated", pa.int32(), nullable=False),
        pa.field("told", pa.int32(), nullable=False),
        pa.field("wrong_language", pa.int32(), nullable=False),
        pa.field("signature", pa.string(), nullable=False),
        pa.field("corpus_score", pa.float64()),
        pa.field("missing", pa.string(), nullable=False),
    ]
)


@dataclass(frozen=True, slots=True)
class Figures:
    """What a cell's summary says. ``mean`` and ``corpus_score`` may be absent."""

    n: int = 0
    mean: float | None = None
    failed: int = 0
    truncated: int = 0
    told: int = 0
    wrong_language: int = 0
    signature: str = ""
    corpus_score: float | None = None


def collect(params: CollectParams, context: Context) -> None:
    """Writes ``scores`` and ``cells``; counts cells, missing ones and rows in the summary.

    Raises InputError for a cell that is neither there nor declared missing, and for items and
    summary that disagree.
    """
    figures = [_figures(context, index, cell) for index, cell in enumerate(params.cells)]
    rows = _write_scores(params, figures, context)
    cells = (
        _cell_row(index, cell, found)
        for index, (cell, found) in enumerate(zip(params.cells, figures, strict=True))
    )
    written = write_records(context.output("cells") / CELLS_FILE, CELLS_SCHEMA, cells)
    missing = sum(bool(cell.missing) for cell in params.cells)
    context.summarise(cells=written, missing=missing, rows=rows)


def _write_scores(params: CollectParams, figures: Sequence[Figures], context: Context) -> int:
    path = context.output("scores") / SCORES_FILE
    rows = 0
    with pq.ParquetWriter(path, SCORES_SCHEMA, **WRITING) as writer:
        for table in _row_groups(_tables(params, figures, context)):
            writer.write_table(table, row_group_size=ROW_GROUP)
            rows += len(table)
    return rows


def _tables(
    params: CollectParams, figures: Sequence[Figures], context: Context
) -> Iterator[pa.Table]:
    total = len(params.cells)
    for index, cell in enumerate(params.cells):
        if context.stop_requested:
            raise StopRequested
        if not cell.missing:
            table = _cell_table(index, cell, _input(context, f"cell/{index}", cell))
            _check(index, cell, figures[index], table["score"].to_numpy())
            yield table
        context.progress(done=index + 1, total=total)


def _check(index: int, cell: Cell, found: Figures, scores: FloatArray) -> None:
    """Refuses items of another score step than the summary's."""
    mean = float(scores.mean()) if len(scores) else None
    if found.n != len(scores) or not math.isclose(mean or 0.0, found.mean or 0.0, abs_tol=1e-9):
        raise InputError(
            f"{_place(index, cell)}: items and summary disagree: {len(scores)} items of mean "
            f"{mean}, against {found.n} of mean {found.mean}"
        )


def _cell_table(index: int, cell: Cell, directory: Path) -> pa.Table:
    items = read_table(directory / ITEMS_FILE, ITEMS_SCHEMA)
    count = len(items)
    columns = [
        pa.repeat(pa.scalar(index, pa.int32()), count),
        *(pa.repeat(pa.scalar(getattr(cell, name), pa.string()), count) for name in _NAMES),
        *(items[name] for name in _ITEM_COLUMNS),
    ]
    return pa.Table.from_arrays(columns, schema=SCORES_SCHEMA)


def _row_groups(tables: Iterator[pa.Table]) -> Iterator[pa.Table]:
    """The same rows in tables of ``ROW_GROUP`` rows; the last may be shorter."""
    held: list[pa.Table] = []
    count = 0
    for table in tables:
        held.append(table)
        count += len(table)
        while count >= ROW_GROUP:
            joined = pa.concat_tables(held)
            yield joined.slice(0, ROW_GROUP)
            held = [joined.slice(ROW_GROUP)]
            count = len(held[0])
    if count:
        yield pa.concat_tables(held)


def _figures(context: Context, index: int, cell: Cell) -> Figures:
    if cell.missing:
        return Figures()
    path = _input(context, f"summary/{index}", cell) / SUMMARY_FILE
    try:
        summary = json.loads(path.read_bytes())
        return Figures(
            n=int(summary["n"]),
            mean=float(summary["mean"]),
            failed=int(summary["failed"]),
            truncated=int(summary["truncated"]),
            told=int(summary["told"]),
            wrong_language=int(summary["wrong_language"]),
            signature=str(summary["signature"]),
            corpus_score=summary.get("corpus_score"),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{_place(index, cell)}: {path.name} cannot be read: {error}") from error


def _cell_row(index: int, cell: Cell, figures: Figures) -> dict[str, Any]:
    return {
        "cell": index,
        **{name: getattr(cell, name) for name in _NAMES},
        "n": figures.n,
        "mean": figures.mean,
        "failed": figures.failed,
        "truncated": figures.truncated,
        "told": figures.told,
        "wrong_language": figures.wrong_language,
        "signature": figures.signature,
        "corpus_score": figures.corpus_score,
        "missing": cell.missing,
    }


def _input(context: Context, name: str, cell: Cell) -> Path:
    if not context.has_input(name):
        index = int(name.partition("/")[2])
        raise InputError(
            f"{_place(index, cell)}: there is no input {name!r}, and no reason why it is missing"
        )
    return context.input(name)


def _place(index: int, cell: Cell) -> str:
    return f"cell {index} ({cell.task}, {cell.language}, {cell.metric})"
