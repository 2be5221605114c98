"""One tiny study, applied once for all tests that need a finished one."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.commands import Done, cltctl_process
from support.studies import small_quickstart, write_study

from clt_operator.store import open_store
from clt_operator.store.artifacts import Artifacts


@dataclass(frozen=True)
class Study:
    """A study in a directory: its spec, its store, and cltctl with both."""

    root: Path
    data: dict[str, Any]

    @property
    def spec(self) -> Path:
        return self.root / "study.yaml"

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def artifacts(self) -> Artifacts:
        return Artifacts(open_store(str(self.store)))

    def apply(self, data: dict[str, Any] | None = None) -> Done:
        """Applies the study, or a changed one, as a user does."""
        write_study(self.root, data or self.data)
        return cltctl_process("apply", self.spec, "--local", *self.places)

    @property
    def places(self) -> list[str]:
        return ["--store", str(self.store), "--scratch", str(self.root / "scratch")]

    def run(self, *words: object) -> Done:
        return cltctl_process(*words, "--store", self.store)

    def steps(self) -> dict[str, dict[str, Any]]:
        """What ``cltctl get steps`` knows, by key."""
        rows = json.loads(self.run("get", "steps", "quickstart", "-o", "json").out)
        return {row["key"]: row for row in rows}

    def objects(self) -> dict[str, tuple[int, int]]:
        """Every file and directory of the store with size and time: any write shows."""
        return {
            str(path): (path.lstat().st_size, path.lstat().st_mtime_ns)
            for path in [self.store, *self.store.rglob("*")]
        }


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The quickstart at its smallest, applied."""
    data = small_quickstart()
    spec = data["spec"]
    spec["seeds"] = [0]
    spec["stages"][0]["train"] |= {"steps": 4}
    spec["train"] |= {"steps": 3}
    spec["tasks"][-1] |= {"testItems": 6, "metrics": ["numeric"]}
    study = Study(tmp_path_factory.mktemp("finished"), data)
    done = study.apply()
    assert done.code == 0, done.err
    return study
