"""A synthetic study: the reference study's published table, drawn as items of three seeds."""

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.published import LANGUAGES, PUBLISHED, K

from clt_operator.api.kinds.report import Contrast, EvaluatedTask, Point, ReportParams

MIX = ["es", "fr", "ja", "zh"]


@dataclass
class FakeContext:
    """A context over plain directories."""

    inputs: dict[str, Path]
    out: Path
    key: str = "0123456789abcdef" * 4
    summary: dict[str, Any] = field(default_factory=dict)
    hints: dict[str, Any] = field(default_factory=dict)
    stop_requested: bool = False

    @property
    def input_names(self) -> tuple[str, ...]:
        return tuple(self.inputs)

    def has_input(self, name: str) -> bool:
        return name in self.inputs

    def input(self, name: str) -> Path:
        return self.inputs[name]

    def output(self, name: str) -> Path:
        path = self.out / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def summarise(self, **figures: Any) -> None:
        self.summary.update(figures)

    def progress(self, **figures: float) -> None:
        assert all(np.isfinite(value) for value in figures.values())

    def save_resume(self, name: str, directory: Path) -> None:
        raise AssertionError("a report saves no state")

    def load_resume(self) -> Path | None:
        return None


@dataclass
class Study:
    """Parameters and the tables of a collect step, written on request."""

    params: ReportParams
    rows: dict[str, list[Any]] = field(default_factory=dict)
    cells: list[dict[str, Any]] = field(default_factory=list)
    mixtures: dict[str, dict[str, Any]] = field(default_factory=dict)
    counts: dict[str, dict[str, Any]] = field(default_factory=dict)

    def add(
        self,
        training: str,
        cell: tuple[str, str, str],
        scores: np.ndarray,
        *,
        items: list[str] | None = None,
        clusters: list[str] | None = None,
        missing: str = "",
        failed: int = 0,
        truncated: int = 0,
        told: int = 0,
        wrong_language: int = 0,
    ) -> None:
        index = len(self.cells)
        task, language, metric = cell
        names = items or [f"i{number:04d}" for number in range(len(scores))]
        present = not missing
        self.cells.append(
            {
                "cell": index,
                "training": training,
                "task": task,
                "language": language,
                "metric": metric,
                "n": len(scores) if present else 0,
                "mean": float(np.mean(scores)) if present else None,
                "failed": failed,
                "truncated": truncated,
                "told": told,
                "wrong_language": wrong_language,
                "signature": f"{metric}/1",
                "corpus_score": None,
                "missing": missing,
            }
        )
        if present:
            for name, values in (
                ("cell", [index] * len(scores)),
                ("item", names),
                ("cluster", clusters or [""] * len(scores)),
                ("score", [float(score) for score in scores]),
            ):
                self.rows.setdefault(name, []).extend(values)

    def context(self, directory: Path) -> FakeContext:
        source = directory / "collected"
        source.mkdir(parents=True, exist_ok=True)
        table = pa.table(self.rows)
        table = table.set_column(0, "cell", table["cell"].cast(pa.int32()))
        pq.write_table(table, source / "scores.parquet")
        pq.write_table(pa.Table.from_pylist(self.cells), source / "cells.parquet")
        inputs = {"scores": source, "cells": source}
        for name, found, file in [
            *((f"training/{key}", value, "mixture.json") for key, value in self.mixtures.items()),
            *((f"counts/{key}", value, "counts.json") for key, value in self.counts.items()),
        ]:
            path = directory / "in" / name
            path.mkdir(parents=True, exist_ok=True)
            (path / file).write_text(json.dumps(found))
            inputs[name] = path
        return FakeContext(inputs, directory / "out")


def key_of(*parts: object) -> str:
    """A training key that looks like one."""
    return f"{zlib.crc32('/'.join(map(str, parts)).encode()):08x}" * 8


def published_study(
    *,
    seeds: int = 3,
    items: int = 250,
    ks: list[int] = K,
    seed_sd: float = 0.02,
    untrained: bool = True,
    control: bool = False,
    metrics: tuple[str, ...] = ("math_accuracy", "gold_margin"),
    missing: tuple[tuple[int, int, str], ...] = (),
    models: tuple[str, ...] = ("base-7b",),
    contrasts: list[Contrast] | None = None,
    items_shared: bool = True,
    **fields: Any,
) -> Study:
    """The published table as Bernoulli items with item difficulty and training noise."""
    generator = np.random.default_rng(11)
    difficulty = generator.normal(0, 0.25, items)
    points, settings = [], []
    for model in models:
        for seed in range(seeds):
            for k in ks:
                for name in ("", "pivot_matched") if control and k else ("",):
                    training = key_of(model, seed, k, name)
                    settings.append((training, K.index(k) if not name else 0, seed, k))
                    points.append(
                        Point(
                            sweep="single", model=model, mix="all4", task="MR", k=k, seed=seed,
                            training=training, languages=MIX, control=name,
                        )
                    )  # fmt: skip
        if untrained:
            training = key_of(model, "untrained")
            settings.append((training, -1, 0, 0))
            points.append(
                Point(
                    sweep="single", model=model, mix="", task="MR", k=0, seed=0,
                    training=training, languages=[], control="untrained",
                )
            )  # fmt: skip
    if contrasts is None:
        contrasts = [
            Contrast(name="more-data", k=ks[-1], languages="unseen", margin=0.02, primary=True),
            Contrast(name="a-little", k=ks[1], languages="nonpivot", margin=0.05),
        ]
    provenance = dict.fromkeys(LANGUAGES, "human") | dict.fromkeys(["ar", "ko", "pt"], "machine")
    params = ReportParams(
        title="A little multilingual data",
        notes=["base-7b: simulated from a published table."],
        pivot="en",
        mixes={"all4": MIX},
        evaluate=LANGUAGES,
        tasks=[
            EvaluatedTask(
                name="MR", metrics=list(metrics), items_shared=items_shared, provenance=provenance
            )
        ],
        points=points,
        contrasts=contrasts,
        **fields,
    )
    study = Study(params)
    for training, column, seed, k in settings:
        luck = generator.normal(0, seed_sd)
        for language in LANGUAGES:
            reason = (
                "generate failed twice: out of memory" if (k, seed, language) in missing else ""
            )
            share = 0.02 if column < 0 else PUBLISHED[language][column]
            chance = share + (luck + difficulty * share if column >= 0 else 0)
            scores = (generator.random(items) < chance).astype(float)
            for metric in metrics:
                shown = scores
                if metric == "gold_margin":
                    shown = 4 * scores - 3 + generator.normal(0, 1, items)
                failed = int((1 - share) * items / 12) if metric == "math_accuracy" else 0
                study.add(training, ("MR", language, metric), shown, missing=reason, failed=failed)
        if column >= 0:
            study.mixtures[training] = _mixture(k)
    study.counts["MR/en/aaaa"] = {"rows": 10000, "dropped": {"too long": 12}, "truncated": 3}
    return study


def _mixture(k: int) -> dict[str, Any]:
    parts = [("en", 10000), *((language, k) for language in MIX if k)]
    return {
        "unit": "samples",
        "components": [
            {
                "input": f"tokens/MR/{language}", "task": "MR", "language": language,
                "asked": count, "samples": count, "tokens": count * 90,
                "supervised_tokens": count * 60, "unique": count, "repeated": 0,
            }
            for language, count in parts
        ],
    }  # fmt: skip


@pytest.fixture
def make_study() -> Callable[..., Study]:
    return published_study


@pytest.fixture(scope="session")
def session_study() -> Study:
    return published_study()
