"""Collected scores as the report reads them: cells by (training, task, language, metric).

Items are numbered once per task where languages share them, and once per (task, language) where
they do not, so that the same number is the same question in every cell of the task.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clt_jobs.statistics.arrays import Floats, Ints
from clt_operator.api.errors import InputError

CellId = tuple[str, str, str, str]  # training, task, language, metric


@dataclass(frozen=True)
class CellFacts:
    """One row of ``cells.parquet``. ``missing`` is the reason, empty where scores are there."""

    index: int
    n: int
    mean: float
    failed: int
    truncated: int
    told: int  # answers of which the language could be told
    wrong_language: int  # those of them that are in another
    signature: str
    corpus_score: float | None
    missing: str


@dataclass(frozen=True, eq=False)
class ItemIndex:
    """Numbers of items and clusters of one task.

    ``place[l]`` maps an item code of the score table to its number, −1 where not in the task.
    ``clusters`` (L, U) are dense cluster numbers; an item without a cluster is its own.
    """

    size: int
    place: Mapping[str, Ints]
    clusters: Ints


@dataclass(frozen=True, eq=False)
class Collected:
    cells: Mapping[CellId, CellFacts]
    starts: Ints  # rows of cell i are starts[i]:starts[i+1]
    items: Ints  # code of the item, per row
    labels: Ints  # code of the cluster (or of the item itself), per row
    scores: Floats

    def rows(self, cell: CellFacts) -> slice:
        return slice(int(self.starts[cell.index]), int(self.starts[cell.index + 1]))

    def index_items(self, task: str, languages: Sequence[str], shared: bool) -> ItemIndex:
        """Numbers the items of a task over all its cells."""
        parts: dict[str, list[CellFacts]] = {language: [] for language in languages}
        for (_, name, language, _), facts in self.cells.items():
            if name == task and language in parts and not facts.missing:
                parts[language].append(facts)
        groups = [[f for found in parts.values() for f in found]] if shared else parts.values()
        numbered = [self._number(group) for group in groups]
        if shared:
            numbered *= len(languages)
        size = max((int(place.max()) + 1 for place, _ in numbered if place.size), default=0)
        clusters = np.zeros((len(languages), size), dtype=np.int64)
        for row, (_, codes) in zip(clusters, numbered, strict=True):
            row[: codes.size] = codes
        places = dict(zip(languages, (place for place, _ in numbered), strict=True))
        return ItemIndex(size, places, clusters)

    def _number(self, cells: Sequence[CellFacts]) -> tuple[Ints, Ints]:
        """(item code → number, number → cluster number) over some cells."""
        place = np.full(int(self.items.max(initial=-1)) + 1, -1, dtype=np.int64)
        label = np.zeros_like(place)
        for cell in cells:
            rows = self.rows(cell)
            label[self.items[rows]] = self.labels[rows]
            place[self.items[rows]] = 0
        used = np.flatnonzero(place == 0)
        place[used] = np.arange(used.size)
        _, codes = np.unique(label[used], return_inverse=True)
        return place, codes.astype(np.int64)


def read_collected(scores: Path, cells: Path) -> Collected:
    """Reads ``scores.parquet`` and ``cells.parquet`` of a collect step.

    Raises InputError where a cell has an item twice.
    """
    facts = _read_cells(cells / "cells.parquet")
    columns = ["cell", "item", "cluster", "score"]
    table = pq.read_table(scores / "scores.parquet", columns=columns)
    cell = table["cell"].to_numpy().astype(np.int64)
    order = np.argsort(cell, kind="stable")
    count = max((f.index for f in facts.values()), default=-1) + 1
    starts = np.searchsorted(cell[order], np.arange(count + 1)).astype(np.int64)
    items, _ = _codes(table["item"])
    labels = _labels(table["cluster"], items)
    values = table["score"].to_numpy(zero_copy_only=False).astype(np.float64)
    _check_unique(cell, items, facts)
    return Collected(facts, starts, items[order], labels[order], values[order])


def _read_cells(path: Path) -> dict[CellId, CellFacts]:
    found = {}
    for row in pq.read_table(path).to_pylist():
        name = (row["training"], row["task"], row["language"], row["metric"])
        found[name] = CellFacts(
            index=row["cell"],
            n=row["n"] or 0,
            mean=float("nan") if row["mean"] is None else row["mean"],
            failed=row["failed"] or 0,
            truncated=row["truncated"] or 0,
            told=row["told"] or 0,
            wrong_language=row["wrong_language"] or 0,
            signature=str(row.get("signature") or ""),
            corpus_score=row.get("corpus_score"),
            missing=row["missing"] or "",
        )
    return found


def _codes(column: pa.ChunkedArray) -> tuple[Ints, list[str]]:
    """Dense codes of a string column and the strings in code order."""
    if column.length() == 0:
        return np.zeros(0, dtype=np.int64), []
    encoded = pc.dictionary_encode(column.cast(pa.string())).combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0)
    codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, encoded.dictionary.to_pylist()


def _labels(clusters: pa.ChunkedArray, items: Ints) -> Ints:
    """Codes of clusters; an item without one is a cluster of its own."""
    codes, labels = _codes(pc.fill_null(clusters.cast(pa.string()), ""))
    if "" not in labels:
        return codes
    none = labels.index("")
    return np.where(codes == none, items + len(labels), codes)


def _check_unique(cell: Ints, items: Ints, facts: Mapping[CellId, CellFacts]) -> None:
    pairs = cell * (int(items.max(initial=0)) + 1) + items
    _, first, counts = np.unique(pairs, return_index=True, return_counts=True)
    if (counts > 1).any():
        index = int(cell[first[counts > 1][0]])
        name = next(name for name, f in facts.items() if f.index == index)
        raise InputError(
            f"cell {'/'.join(name[1:])} of training {name[0][:12]} scores an item twice: item "
            f"ids must be unique within a language; look at the task's item column"
        )
