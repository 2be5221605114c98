"""Tiny inputs of a train step: a Llama of 2 layers × 32 and token tables of random rows."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from clt_jobs.data.tokens import SCHEMA, open_writer
from clt_jobs.models.builders import build_model
from clt_jobs.models.load import load_tokenizer, save_model
from clt_jobs.models.tokenizers import build_tokenizer
from clt_operator.api.kinds.train import Component, Mixture, Optimiser, TrainParams

PROMPT = (3, 14)  # lengths, from and to
RESPONSE = (1, 9)


def write_base(directory: Path, *, layers: int = 2, hidden: int = 32) -> Path:
    """A model directory with fresh weights and a character tokenizer."""
    tokenizer = build_tokenizer("characters", "0123456789+=")
    sizes = {"layers": layers, "hidden": hidden, "heads": 4, "max_positions": 64}
    model = build_model({"family": "llama", **sizes}, tokenizer, seed=1)
    save_model(model, tokenizer, directory)
    return directory


def write_tokens(
    directory: Path, vocabulary: int, *, rows: int = 40, language: str = "en", seed: int = 0
) -> Path:
    """A ``tokens`` output of rows of uneven lengths; tokens are drawn by Zipf's law, so that
    a model first learns what is frequent and then learns rows by heart."""
    directory.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    prompts = random.integers(*PROMPT, rows)
    lengths = prompts + random.integers(*RESPONSE, rows)
    table = pa.table(
        {
            "id": [f"{language}-{i}" for i in range(rows)],
            "item": [str(i) for i in range(rows)],
            "language": [language] * rows,
            "task": ["sums"] * rows,
            "tokens": [(2 + random.zipf(1.3, n) % (vocabulary - 2)).tolist() for n in lengths],
            "prompt_length": prompts.astype(np.int32),
        },
        schema=SCHEMA,
    )
    with open_writer(directory) as writer:
        writer.write_table(table)
    return directory


def write_inputs(root: Path, languages: tuple[str, ...] = ("en", "es")) -> dict[str, Path]:
    """``model`` and one ``tokens`` input per language."""
    base = write_base(root / "model")
    vocabulary = len(load_tokenizer(base))
    inputs = {"model": base}
    for number, language in enumerate(languages):
        inputs[f"sums/{language}"] = write_tokens(
            root / language, vocabulary, language=language, seed=number
        )
    return inputs


def train_params(
    quotas: dict[str, int] | None = None, *, validation: int = 4, **changes: Any
) -> TrainParams:
    """A training of a few small steps; ``quotas`` by language."""
    components = [
        Component(
            input=f"sums/{language}",
            task="sums",
            language=language,
            quota=quota,
            validation=validation,
        )
        for language, quota in (quotas or {"en": 24, "es": 12}).items()
    ]
    optimiser = changes.pop("optimiser", Optimiser(learning_rate=3e-3, warmup_steps=2))
    values = {"batch_size": 8, "evaluate_every_steps": 2, "select": "mixture_loss"} | changes
    return TrainParams(mixture=Mixture(components=components), optimiser=optimiser, **values)


def read_lines(metrics: Path, kind: str) -> list[dict[str, Any]]:
    """The lines of one kind in ``metrics.jsonl``."""
    lines = (metrics / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [line for line in map(json.loads, lines) if line["kind"] == kind]
