"""A process of its own that acts on a store: ``racer.py URI KEY HOLDER ACTION SOURCE``.

It says "ready", waits for a line, acts, and prints one JSON value a line.
"""

import itertools
import json
import sys
from pathlib import Path
from typing import Any

from clt_operator.api.step import Manifest
from clt_operator.store import open_store
from clt_operator.store.artifacts import Artifacts

NOW = "2025-01-01T00:00:00Z"


def say(value: Any) -> None:
    print(json.dumps(value), flush=True)


def wait() -> None:
    if not sys.stdin.readline():
        sys.exit("the test is gone")


def claim(artifacts: Artifacts, key: str, holder: str, source: Path) -> None:
    """Claims ten attempts in a row."""
    say([artifacts.claim(key, holder, NOW).attempt for _ in range(10)])


def commit(artifacts: Artifacts, key: str, holder: str, source: Path) -> None:
    """A whole attempt: [attempt, whether it committed]."""
    held = artifacts.claim(key, holder, NOW)
    source.mkdir()
    (source / "who").write_text(holder)
    outputs = artifacts.stage_outputs(held, {"rows": source})
    manifest = Manifest(key=key, kind="x", attempt=held.attempt, outputs=outputs)
    say([held.attempt, artifacts.commit(manifest)])


def create(artifacts: Artifacts, key: str, holder: str, source: Path) -> None:
    """Creates a hundred objects that others create too: those that it won."""
    names = [f"race/{number:03d}" for number in range(100)]
    say([name for name in names if artifacts.store.create(name, holder.encode())])


def stage(artifacts: Artifacts, key: str, holder: str, source: Path) -> None:
    """Stages its files and then waits for ever, before the manifest."""
    held = artifacts.claim(key, holder, NOW)
    source.mkdir()
    (source / "who").write_text(holder)
    artifacts.stage_outputs(held, {"rows": source})
    say(held.attempt)
    wait()


def save(artifacts: Artifacts, key: str, holder: str, source: Path) -> None:
    """Saves resume states for ever; all files of state N hold N."""
    held = artifacts.claim(key, holder, NOW)
    source.mkdir()
    for number in itertools.count(1):
        for part in range(5):
            (source / f"part-{part}").write_text(f"{number}\n" * 5000)
        artifacts.save_resume(held, f"step-{number}", source)
        say(number)


def main(uri: str, key: str, holder: str, action: str, source: str) -> None:
    artifacts = Artifacts(open_store(uri))
    actions = {"claim": claim, "commit": commit, "create": create, "stage": stage, "save": save}
    say("ready")
    wait()
    actions[action](artifacts, key, holder, Path(source))


if __name__ == "__main__":
    main(*sys.argv[1:])
