"""How long ``cltctl plan`` takes, and how much memory, from 152 to 10,000 runs.

    python benchmarks/planning.py [RUNS] > benchmarks/results/DATE-planning.md

Each figure is the whole command as a process of its own, imports included: the reference study
with one and three seeds, the same grid with so many seeds that it has 10,000 runs, and 10,000
runs as a grid of axes, where every point has a spec of its own. Targets: the reference study in
under 1 s after imports; 10,000 runs in under 10 s and 500 MB.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from measured import CLTCTL, ROOT, conditions, measure

REFERENCE = ROOT / "examples" / "post-trainers-guide.yaml"
COLUMNS = ("runs", "trainings", "cells", "steps")


def reference(seeds: int) -> dict[str, Any]:
    data: dict[str, Any] = yaml.load(REFERENCE.read_text(encoding="utf-8"), yaml.CSafeLoader)
    data["spec"]["seeds"] = list(range(seeds))
    return data


def of_axes() -> dict[str, Any]:
    """One model and task, 100 learning rates × 25 batch sizes × four k."""
    data = reference(1)
    spec = data["spec"]
    spec["report"] = {}
    spec["sweeps"] = [
        {
            "name": "grid",
            "models": ["llama-8b"],
            "tasks": ["MR"],
            "mixes": ["all4"],
            "pivotSamples": 1000,
            "samplesPerLanguage": {"values": [0, 10, 20, 30]},
            "axes": {
                "train.learningRate": [step * 1e-6 for step in range(1, 101)],
                "train.batchSize": list(range(8, 33)),
            },
        }
    ]
    return data


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    yield "reference study, 1 seed", reference(1)
    yield "reference study, 3 seeds", reference(3)
    yield "reference study, 66 seeds", reference(66)
    yield "a grid of 2,500 axis values", of_axes()


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    print("# Planning\n")
    print(f"`cltctl plan SPEC -o json`, median of {runs} (least to most), largest memory.\n")
    print(f"| spec | {' | '.join(COLUMNS)} | time | processor | memory |")
    print("| --- " * (len(COLUMNS) + 4) + "|")
    with TemporaryDirectory() as scratch:
        for name, data in cases():
            path = Path(scratch) / "spec.yaml"
            path.write_text(yaml.dump(data, Dumper=yaml.CSafeDumper), encoding="utf-8")
            words = [str(CLTCTL), "plan", str(path), "-o", "json"]
            found = json.loads(subprocess.run(words, capture_output=True, check=True).stdout)
            counts = " | ".join(f"{found[column]:,}" for column in COLUMNS)
            print(f"| {name} | {counts} | {measure(words, runs)} |", flush=True)
    print(f"\n{conditions()}")


if __name__ == "__main__":
    main()
