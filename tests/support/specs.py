"""Specs and locks for tests: a small study to change at will, and the reference study."""

import copy
from pathlib import Path
from typing import Any

import yaml

from clt_operator.api.lock import Lock
from clt_operator.api.spec.experiment import ExperimentSpec

EXAMPLES = Path(__file__).parents[2] / "examples"
LOCK = Lock(clt_version="0", kind_versions={})

SMALL: dict[str, Any] = {
    "models": [{"name": "m", "source": "hf:org/m", "parameters": 1000}],
    "tasks": [
        {
            "name": "t",
            "train": {
                "source": "jsonl:train.jsonl",
                "columns": {"prompt": "{q}", "response": "{a}"},
            },
            "test": {
                "source": "jsonl:test.jsonl",
                "items": 50,
                "columns": {"prompt": "{q}", "answer": "{a}"},
            },
            "metrics": ["exact_match"],
        }
    ],
    "languages": {
        "pivot": "en",
        "mixes": {"two": ["es", "ja"]},
        "evaluate": ["en", "es", "ja", "ar"],
    },
    "sweeps": [{"name": "s", "pivotSamples": 100, "samplesPerLanguage": {"values": [0, 10, 20]}}],
}


def spec_of(data: dict[str, Any]) -> ExperimentSpec:
    return ExperimentSpec.model_validate(data)


def small_spec() -> dict[str, Any]:
    """A fresh copy of the small study."""
    return copy.deepcopy(SMALL)


def hub_spec() -> dict[str, Any]:
    """The small study with rows that a cluster can read: those of a hub."""
    spec = small_spec()
    for role in ("train", "test"):
        spec["tasks"][0][role]["source"] = "hf:org/rows"
    return spec


def reference_spec() -> dict[str, Any]:
    """The reference study's spec."""
    text = (EXAMPLES / "post-trainers-guide.yaml").read_text(encoding="utf-8")
    spec: dict[str, Any] = yaml.load(text, yaml.CSafeLoader)["spec"]
    return spec
