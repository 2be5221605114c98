"""Promise 8 on each store: what is invalidated is computed again with all that depends on it,
whatever drivers and Jobs do meanwhile."""

from pathlib import Path

import pytest
from support.timed_store import TimedStore

from clt_operator.api.step import Claim, InputRef, Manifest, Outcome, StepDocument
from clt_operator.store import layout
from clt_operator.store.artifacts import Artifacts
from clt_operator.store.invalidation import affected, invalidate, tombstones
from clt_operator.store.protocol import ObjectStore

NOW = "2025-01-01T00:00:00Z"
ROWS, OTHER, TRAIN, SCORE, REPORT = (letter * 64 for letter in "abcde")
READS = {
    ROWS: (),
    OTHER: (),
    TRAIN: (ROWS, OTHER),
    SCORE: (TRAIN,),
    REPORT: (SCORE, OTHER),
}
REASON = "labels were swapped"


class World:
    def __init__(self, store: TimedStore, source: Path) -> None:
        self.store, self.artifacts, self.source = store, Artifacts(store), source

    def begin(self, key: str) -> Claim:
        inputs = [InputRef(name=each[0], key=each, output="rows") for each in READS[key]]
        self.artifacts.put_document(
            StepDocument(key=key, kind="derive", version=1, params={}, inputs=inputs)
        )
        return self.artifacts.claim(key, "pod:1", NOW)

    def commit(self, claim: Claim) -> bool:
        files = self.artifacts.stage_outputs(claim, {"rows": self.source})
        manifest = Manifest(key=claim.key, kind="x", attempt=claim.attempt, outputs=files)
        made = self.artifacts.commit(manifest)
        outcome = "committed" if made else "lost-race"
        self.artifacts.record_outcome(
            Outcome(key=claim.key, attempt=claim.attempt, outcome=outcome)
        )
        return made

    def make(self, *keys: str) -> None:
        for key in keys:
            assert self.commit(self.begin(key))


@pytest.fixture
def world(store: ObjectStore, tmp_path: Path) -> World:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.txt").write_text("eins")
    return World(TimedStore(store), source)


def test_what_depends_on_it_goes_with_it_and_the_rest_stays(world: World) -> None:
    world.make(*READS)
    found = invalidate(world.artifacts, [ROWS], REASON, NOW)
    assert [d.key for d in found.committed] == [ROWS, TRAIN, SCORE, REPORT]
    assert found.tried == ()
    assert world.artifacts.committed() == {OTHER}
    assert [d.key for d in affected(world.artifacts, [OTHER]).committed] == [OTHER]


def test_the_reason_is_kept_for_every_artifact(world: World) -> None:
    world.make(*READS)
    invalidate(world.artifacts, [TRAIN], REASON, NOW)
    (stone,) = tombstones(world.artifacts, TRAIN)
    assert (stone.reason, stone.at, stone.attempt, stone.cause) == (REASON, NOW, 1, "")
    (stone,) = tombstones(world.artifacts, REPORT)
    assert (stone.reason, stone.cause) == (REASON, TRAIN)
    assert tombstones(world.artifacts, ROWS) == []


def test_computed_again_it_can_be_invalidated_again(world: World) -> None:
    world.make(ROWS)
    invalidate(world.artifacts, [ROWS], REASON, NOW)
    world.make(ROWS)
    assert world.artifacts.committed() == {ROWS}
    invalidate(world.artifacts, [ROWS], "once more", NOW)
    stones = tombstones(world.artifacts, ROWS)
    assert [(s.attempt, s.reason) for s in stones] == [(1, REASON), (2, "once more")]


def test_files_stay_for_whoever_came_in_through_the_manifest(world: World) -> None:
    world.make(ROWS)
    invalidate(world.artifacts, [ROWS], REASON, NOW)
    assert list(world.store.list(layout.files(ROWS, 1)))


def test_a_new_attempt_resumes_nothing(world: World, tmp_path: Path) -> None:
    claim = world.begin(TRAIN)
    world.artifacts.save_resume(claim, "half", world.source)
    world.make(ROWS, OTHER)
    assert world.commit(claim)
    invalidate(world.artifacts, [ROWS], REASON, NOW)
    again = world.begin(TRAIN)
    assert world.artifacts.load_resume(TRAIN, again.attempt, tmp_path / "resume") is None


def test_an_attempt_that_read_it_commits_nothing(world: World) -> None:
    world.make(ROWS, OTHER)
    running = world.begin(TRAIN)
    found = invalidate(world.artifacts, [ROWS], REASON, NOW)
    assert [d.key for d in found.tried] == [TRAIN]
    assert not world.commit(running)
    states = world.artifacts.attempts(TRAIN)
    assert [s.outcome.outcome for s in states if s.outcome] == ["lost-race", "lost-race"]
    assert states[1].outcome is not None
    assert states[1].outcome.message == f"invalidated: {REASON}"


@pytest.mark.parametrize("event", ["create tombstones", "delete committed"])
def test_a_step_that_commits_in_the_midst_goes_as_well(world: World, event: str) -> None:
    """The training ends while its rows are being invalidated, before its turn comes."""
    world.make(ROWS, OTHER)
    running = world.begin(TRAIN)
    operation, prefix = event.split()
    made: list[bool] = []

    def commit(doing: str, name: str) -> None:
        if doing == operation and name.startswith(f"{prefix}/{ROWS}"):
            world.store.before = lambda _operation, _name: None
            made.append(world.commit(running))

    world.store.before = commit
    invalidate(world.artifacts, [ROWS], REASON, NOW)
    assert made == [True]
    assert world.artifacts.committed() == {OTHER}


def test_a_step_that_is_tried_for_the_first_time_in_the_midst_goes_as_well(world: World) -> None:
    """Its document was not there when the store was looked through."""
    world.make(ROWS, OTHER, TRAIN)
    made: list[bool] = []

    def act(doing: str, name: str) -> None:
        if doing == "delete" and name.startswith(f"committed/{ROWS}"):
            world.store.before = lambda _operation, _name: None
            made.append(world.commit(world.begin(SCORE)))

    world.store.before = act
    invalidate(world.artifacts, [ROWS], REASON, NOW)
    assert made == [True]
    assert world.artifacts.committed() == {OTHER}


@pytest.mark.parametrize("survives", range(0, 12, 2))
def test_killed_anywhere_the_same_call_finishes(world: World, survives: int) -> None:
    """And the report is the last to go."""
    world.make(*READS)
    left = survives

    def count(_operation: str, _name: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt

    world.store.before = count
    try:
        invalidate(world.artifacts, [ROWS], REASON, NOW)
    except KeyboardInterrupt:
        there = world.artifacts.committed()
        assert REPORT in there or there == {OTHER}
    world.store.before = lambda _operation, _name: None
    invalidate(world.artifacts, [ROWS], REASON, NOW)
    assert world.artifacts.committed() == {OTHER}
    assert {key for key in READS if tombstones(world.artifacts, key)} == set(READS) - {OTHER}
