"""Promise 3 under several processes and under kill -9, on each store.

moto checks and writes in two steps and so cannot referee a race: real stores only.
"""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clt_operator.api.errors import StoreError
from clt_operator.api.step import Manifest, Outcome
from clt_operator.store.artifacts import Artifacts
from clt_operator.store.protocol import ObjectStore

KEY = "0b" * 32
NOW = "2025-01-01T00:00:00Z"
RACERS = 5

real_stores = pytest.mark.parametrize("store_uri", ["file", "versitygw"], indirect=True)


class Racer:
    """A process of racer.py, ready to act."""

    def __init__(self, uri: str, holder: str, action: str, source: Path) -> None:
        script = Path(__file__).with_name("racer.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script), uri, KEY, holder, action, str(source)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def go(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()

    def hear(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the racer ended with {self.process.wait()}"
        return json.loads(line)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


Start = Callable[..., Racer]


@pytest.fixture
def start(store_uri: str, tmp_path: Path, request: pytest.FixtureRequest) -> Start:
    def one(action: str, holder: str = "a") -> Racer:
        racer = Racer(store_uri, holder, action, tmp_path / f"source-{holder}")
        request.addfinalizer(racer.kill)
        return racer

    return one


def race(start: Start, action: str) -> list[Any]:
    """What each of several processes says that begin at the same moment."""
    racers = [start(action, holder=f"holder-{number}") for number in range(RACERS)]
    assert [racer.hear() for racer in racers] == ["ready"] * RACERS
    for racer in racers:
        racer.go()
    return [racer.hear() for racer in racers]


@real_stores
def test_every_attempt_number_is_claimed_once(start: Start, store: ObjectStore) -> None:
    numbers = [number for said in race(start, "claim") for number in said]
    assert sorted(numbers) == list(range(1, 10 * RACERS + 1))
    held = Counter(state.claim.holder for state in Artifacts(store).attempts(KEY))
    assert set(held.values()) == {10}


@real_stores
def test_every_object_is_created_once_and_holds_its_winners_bytes(
    start: Start, store: ObjectStore
) -> None:
    said = race(start, "create")
    winners = {name: f"holder-{number}" for number, names in enumerate(said) for name in names}
    assert sum(map(len, said)) == len(winners) == 100
    assert {name: store.get(name).decode() for name in winners} == winners


@real_stores
def test_of_racing_attempts_exactly_one_commits_and_readers_get_its_files(
    start: Start, store: ObjectStore, tmp_path: Path
) -> None:
    said = race(start, "commit")
    (winner,) = (attempt for attempt, committed in said if committed)
    artifacts = Artifacts(store)
    manifest = artifacts.manifest(KEY)
    assert manifest is not None
    assert manifest.attempt == winner
    holder = artifacts.attempts(KEY)[winner - 1].claim.holder
    opened = artifacts.open_output(KEY, "rows", tmp_path / "opened")
    assert (opened / "who").read_text() == holder


@real_stores
def test_an_attempt_killed_before_its_manifest_was_never_there(
    start: Start, store: ObjectStore, tmp_path: Path
) -> None:
    racer = start("stage", holder="killed")
    assert racer.hear() == "ready"
    racer.go()
    assert racer.hear() == 1
    racer.kill()
    artifacts = Artifacts(store)
    assert list(store.list(f"attempts/{KEY}/0001/files/"))
    assert artifacts.committed() == set()
    assert artifacts.manifest(KEY) is None
    with pytest.raises(StoreError, match="not committed"):
        artifacts.open_output(KEY, "rows", tmp_path / "none")
    assert artifacts.attempts(KEY)[0].outcome is None

    assert artifacts.record_outcome(
        Outcome(key=KEY, attempt=1, outcome="lost", recorded_by="driver")
    )
    second = start("commit", holder="second")
    assert second.hear() == "ready"
    second.go()
    assert second.hear() == [2, True]
    opened = artifacts.open_output(KEY, "rows", tmp_path / "opened")
    assert (opened / "who").read_text() == "second"


@real_stores
@pytest.mark.parametrize("states", [1, 2, 5])
def test_a_resume_state_torn_by_a_kill_is_never_seen(
    start: Start, store: ObjectStore, tmp_path: Path, states: int
) -> None:
    racer = start("save")
    assert racer.hear() == "ready"
    racer.go()
    for number in range(1, states + 1):
        assert racer.hear() == number
    racer.kill()  # while it writes the next one
    artifacts = Artifacts(store)
    second = artifacts.claim(KEY, "second", NOW)
    loaded = artifacts.load_resume(KEY, second.attempt, tmp_path / "loaded")
    assert loaded is not None
    contents = {path.read_text() for path in loaded.iterdir()}
    assert len(list(loaded.iterdir())) == 5
    assert len(contents) == 1
    assert int(contents.pop().split()[0]) >= states


@real_stores
def test_a_superseded_writer_does_not_commit(store: ObjectStore, tmp_path: Path) -> None:
    artifacts = Artifacts(store)
    source = tmp_path / "source"
    source.mkdir()
    (source / "x").write_bytes(b"1")
    first = artifacts.claim(KEY, "a", NOW)
    assert not artifacts.superseded(first)
    outputs = artifacts.stage_outputs(first, {"rows": source})
    second = artifacts.claim(KEY, "b", NOW)
    assert artifacts.superseded(first)
    assert not artifacts.superseded(second)
    assert not artifacts.commit(Manifest(key=KEY, kind="x", attempt=1, outputs=outputs))
    assert artifacts.committed() == set()
