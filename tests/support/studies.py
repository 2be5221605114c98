"""The quickstart in small: the same chain of real steps, in seconds instead of minutes."""

from pathlib import Path
from typing import Any

import yaml

QUICKSTART = Path(__file__).parents[2] / "examples" / "quickstart.yaml"


def small_quickstart() -> dict[str, Any]:
    """The quickstart's experiment with a model, stages and runs that take a moment each."""
    data: dict[str, Any] = yaml.load(QUICKSTART.read_text(encoding="utf-8"), yaml.CSafeLoader)
    spec = data["spec"]
    spec["models"][0]["architecture"] |= {"layers": 1, "hidden": 32, "heads": 2, "intermediate": 64}
    spec["languages"]["mixes"] = {"two": ["es", "ja"]}
    spec["languages"]["evaluate"] = ["en", "es", "ja", "ko"]
    stage = spec["stages"][0]
    stage |= {"languages": ["en", "es", "ja", "ko", "ru"], "samples": 20}
    stage["train"] |= {"steps": 12, "batchSize": 16}
    spec["sweeps"][0] |= {"pivotSamples": 40, "samplesPerLanguage": {"values": [0, 20]}}
    spec["seeds"] = [0, 1]
    spec["train"] |= {"steps": 8, "batchSize": 8}
    spec["tasks"][-1] |= {"testItems": 8}
    for contrast in spec["report"]["contrasts"]:
        contrast["at"] = {"samplesPerLanguage": 20}
    return data


def write_study(directory: Path, data: dict[str, Any]) -> Path:
    """The spec as a file that ``cltctl`` reads."""
    path = directory / "study.yaml"
    path.write_text(yaml.safe_dump(data, allow_unicode=True), encoding="utf-8")
    return path
