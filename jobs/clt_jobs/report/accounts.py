"""What preparation and mixtures say of the training data, read from their JSON files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clt_jobs.context import Context


@dataclass(frozen=True)
class Preparation:
    """Counts of one prepare step."""

    task: str
    language: str
    rows: int
    dropped: Mapping[str, int]  # by reason
    truncated: int


@dataclass(frozen=True)
class Portion:
    """One component of a realised mixture. ``asked`` is in the mixture's unit, per epoch."""

    task: str
    language: str
    unit: str
    asked: int
    samples: int
    tokens: int
    supervised_tokens: int
    repeated: int


@dataclass(frozen=True)
class Accounts:
    preparations: tuple[Preparation, ...]
    mixtures: Mapping[str, tuple[Portion, ...]]  # by training key


def read_accounts(context: Context) -> Accounts:
    """Every ``counts/…`` and ``training/…`` input of the report."""
    preparations, mixtures = [], {}
    for name in sorted(context.input_names):
        head, _, rest = name.partition("/")
        if head == "counts":
            task, language = rest.split("/")[:2]
            preparations.append(_preparation(task, language, _json(context, name, "counts.json")))
        elif head == "training":
            mixtures[rest] = _portions(_json(context, name, "mixture.json"))
    return Accounts(tuple(preparations), mixtures)


def _json(context: Context, name: str, file: str) -> dict[str, Any]:
    path: Path = context.input(name) / file
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def _preparation(task: str, language: str, counts: Mapping[str, Any]) -> Preparation:
    dropped = counts.get("dropped") or {}
    if not isinstance(dropped, Mapping):
        dropped = {"dropped": dropped}
    return Preparation(
        task=task,
        language=language,
        rows=int(counts.get("rows", 0)),
        dropped={str(reason): int(count) for reason, count in dropped.items()},
        truncated=int(counts.get("truncated", 0)),
    )


def _portions(mixture: Mapping[str, Any]) -> tuple[Portion, ...]:
    unit = str(mixture.get("unit", "samples"))
    return tuple(
        Portion(
            task=str(part.get("task", "")),
            language=str(part.get("language", "")),
            unit=unit,
            asked=int(part.get("asked", 0)),
            samples=int(part.get("samples", 0)),
            tokens=int(part.get("tokens", 0)),
            supervised_tokens=int(part.get("supervised_tokens", 0)),
            repeated=int(part.get("repeated", 0)),
        )
        for part in mixture.get("components", [])
    )
