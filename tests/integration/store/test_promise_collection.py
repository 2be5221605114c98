"""Promise 8 on each store: what a root names is kept, the rest goes in an order that never
leaves a manifest without its files."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.timed_store import DAY, TimedStore

from clt_operator.api.errors import StoreError
from clt_operator.api.step import Claim, Manifest, Outcome, StepDocument
from clt_operator.store import collection, layout
from clt_operator.store.artifacts import Artifacts
from clt_operator.store.collection import GRACE, collect, survey
from clt_operator.store.marks import store_clock
from clt_operator.store.protocol import ObjectStore

THEN = "2025-01-01T00:00:00Z"
KEY, OTHER = "0c" * 32, "0d" * 32
SOON, LATE = GRACE - DAY, GRACE + DAY


class Killed(BaseException):
    """The collection's process dies here."""


class World:
    def __init__(self, store: TimedStore, source: Path) -> None:
        self.store, self.artifacts, self.source = store, Artifacts(store), source

    def begin(self, key: str = KEY, kind: str = "train") -> Claim:
        document = StepDocument(key=key, kind=kind, version=1, params={}, inputs=[])
        self.artifacts.put_document(document)
        return self.artifacts.claim(key, "pod:1", THEN)

    def stage(self, claim: Claim) -> Manifest:
        files = self.artifacts.stage_outputs(claim, {"rows": self.source})
        return Manifest(key=claim.key, kind="train", attempt=claim.attempt, outputs=files)

    def end(self, claim: Claim, outcome: str) -> None:
        self.artifacts.write_log(claim.key, claim.attempt, b"log")
        done = Outcome(key=claim.key, attempt=claim.attempt, outcome=outcome)
        assert self.artifacts.record_outcome(done)

    def commit(self, key: str = KEY) -> Claim:
        claim = self.begin(key)
        assert self.artifacts.commit(self.stage(claim))
        self.end(claim, "committed")
        return claim

    def fail(self, key: str = KEY) -> Claim:
        claim = self.begin(key)
        self.stage(claim)
        self.end(claim, "failed")
        return claim

    def want(self, *keys: str, name: str = "study") -> None:
        self.artifacts.write_root("default", name, {"keys": list(keys), "targets": []})

    def after(self, seconds: float) -> None:
        self.store.now += seconds

    def collect(self, grace: float = GRACE) -> None:
        collect(self.artifacts, lambda: self.store.now, grace)

    def names(self) -> set[str]:
        return {info.name for info in self.store.list("")}

    def below(self, prefix: str) -> set[str]:
        return {info.name for info in self.store.list(prefix)}


@pytest.fixture
def world(store: ObjectStore, tmp_path: Path) -> World:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.txt").write_text("eins")
    (source / "b.txt").write_text("zwei")
    return World(TimedStore(store), source)


def read(world: World, tmp_path: Path, key: str = KEY) -> str:
    return (world.artifacts.open_output(key, "rows", tmp_path / "copy") / "a.txt").read_text()


def test_what_a_root_names_is_kept_whatever_its_age(world: World, tmp_path: Path) -> None:
    world.commit()
    world.want(KEY)
    before = world.names()
    world.after(1000 * DAY)
    world.collect()
    assert world.names() == before
    assert read(world, tmp_path) == "eins"


@pytest.mark.parametrize(
    "root",
    [
        {"keys": [], "partial": [KEY]},
        {"keys": [], "report": KEY},
        {"keys": [], "targets": [KEY]},
        {"keys": [], "forgiven": {KEY: 2}},
    ],
    ids=lambda root: next(iter(root.keys() - {"keys"})),
)
def test_a_key_anywhere_in_a_root_is_wanted(world: World, root: dict[str, object]) -> None:
    world.commit()
    world.artifacts.write_root("default", "study", root)
    world.after(LATE)
    world.collect()
    assert world.artifacts.committed() == {KEY}


def test_what_nobody_wants_goes_manifest_first_and_its_files_a_grace_period_later(
    world: World, tmp_path: Path
) -> None:
    world.commit()
    world.after(SOON)
    world.collect()
    assert world.artifacts.committed() == {KEY}, "too young"
    world.after(2 * DAY)
    world.collect()
    assert world.artifacts.committed() == set()
    files = world.below(layout.files(KEY, 1))
    assert len(files) == 2, "whoever came in through the manifest reads on"
    world.after(SOON)
    world.collect()
    assert world.below(layout.files(KEY, 1)) == files
    world.after(2 * DAY)
    world.collect()
    assert world.names() == set(), "nothing is left of it, not even the mark"


def test_without_grace_everything_goes_at_once(world: World) -> None:
    world.commit()
    world.fail(OTHER)
    world.begin("0e" * 32)
    world.collect(grace=0)
    world.collect(grace=0)
    assert world.names() == set()


def test_a_dropped_root_frees_what_no_other_root_names(world: World) -> None:
    world.commit(KEY)
    world.commit(OTHER)
    world.want(KEY, OTHER, name="first")
    world.want(OTHER, name="second")
    world.artifacts.write_experiment_file("default", "first", "lock.json", b"{}")
    world.artifacts.drop_root("default", "first")
    world.after(LATE)
    world.collect()
    assert world.artifacts.committed() == {OTHER}
    assert world.below("experiments/") == {"experiments/default/second/root.json"}


def test_of_a_wanted_step_goes_what_an_attempt_left_and_its_record_stays(world: World) -> None:
    failed = world.fail()
    world.artifacts.save_resume(failed, "half", world.source)
    made = world.commit()
    world.artifacts.save_resume(made, "whole", world.source)
    world.want(KEY)
    world.after(SOON)
    world.collect()
    assert world.below(layout.files(KEY, 1))
    world.after(2 * DAY)
    world.collect()
    assert not world.below(layout.files(KEY, 1))
    assert not world.below(layout.resume(KEY, 1))
    assert not world.below(layout.resume(KEY, 2)), "a committed step resumes nothing"
    assert len(world.below(layout.files(KEY, 2))) == 2
    assert [s.outcome.outcome for s in world.artifacts.attempts(KEY) if s.outcome] == [
        "failed",
        "committed",
    ]
    assert world.artifacts.log(KEY, 1) == b"log"


def test_an_uncommitted_step_keeps_its_newest_resume_state(world: World, tmp_path: Path) -> None:
    for name in ("first", "second"):
        claim = world.begin()
        world.artifacts.save_resume(claim, name, world.source)
        world.end(claim, "saved")
    world.want(KEY)
    world.after(LATE)
    world.collect()
    assert not world.below(layout.resume(KEY, 1))
    assert world.artifacts.load_resume(KEY, 3, tmp_path / "resume") is not None


def test_an_open_attempt_of_a_wanted_step_stays(world: World) -> None:
    claim = world.begin()
    manifest = world.stage(claim)
    world.want(KEY)
    world.after(LATE)
    world.collect()
    assert world.artifacts.commit(manifest)


def test_a_forgotten_attempt_is_overtaken_before_its_files_go(world: World) -> None:
    """Its process may wake up at any moment: it then commits nothing."""
    manifest = world.stage(world.begin())
    world.after(LATE)
    world.collect()
    assert len(world.below(layout.files(KEY, 1))) == 2
    assert not world.artifacts.commit(manifest)
    world.after(LATE)
    world.collect()
    assert world.names() == set()


def test_a_heartbeat_keeps_an_attempt_that_nobody_wants(world: World) -> None:
    claim = world.begin()
    manifest = world.stage(claim)
    world.after(LATE)
    world.artifacts.write_progress(claim, {"done": 1.0})
    world.after(SOON)
    world.collect()
    assert world.artifacts.commit(manifest)


# meanwhile


def test_an_apply_in_the_midst_keeps_what_its_root_names(world: World, tmp_path: Path) -> None:
    """The root is written between the survey and the first deletion."""
    world.commit()
    world.commit(OTHER)
    world.after(LATE)

    def apply(operation: str, name: str) -> None:
        if operation == "put" and name.startswith(layout.COLLECTED):
            world.store.before = lambda _operation, _name: None
            world.want(KEY)

    world.store.before = apply
    world.collect()
    assert world.artifacts.committed() == {KEY}
    assert read(world, tmp_path) == "eins"
    world.after(LATE)
    world.collect()
    assert read(world, tmp_path) == "eins"


def test_an_attempt_begun_in_the_midst_keeps_its_step(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim comes while the collection takes another step, listed before this one."""
    monkeypatch.setattr(collection, "THREADS", 1)
    world.fail(KEY)
    world.fail(OTHER)
    world.after(LATE)
    begun: list[Claim] = []

    def begin(operation: str, name: str) -> None:
        if operation == "delete" and KEY in name:
            world.store.before = lambda _operation, _name: None
            begun.append(world.begin(OTHER))

    world.store.before = begin
    world.collect()
    assert not world.below(layout.claims(KEY))
    assert begun[0].attempt == 2
    assert len(world.below(layout.claims(OTHER))) == 2
    assert world.artifacts.document(OTHER).kind == "train"
    assert world.artifacts.commit(world.stage(begun[0]))


@pytest.mark.parametrize("survives", range(0, 14, 3))
def test_killed_anywhere_a_collection_leaves_no_manifest_without_files(
    world: World, tmp_path: Path, survives: int
) -> None:
    world.commit()
    world.fail(OTHER)
    world.after(LATE)
    left = survives

    def count(operation: str, _name: str) -> None:
        nonlocal left
        if operation == "delete":
            left -= 1
            if left < 0:
                raise Killed

    world.store.before = count
    try:
        collect(world.artifacts, lambda: world.store.now, 0.0)
    except Killed:
        pass
    else:
        assert survives > 10
    world.store.before = lambda _operation, _name: None
    if world.artifacts.manifest(KEY):
        assert read(world, tmp_path) == "eins"
    for _ in range(3):
        world.after(LATE)
        world.collect()
    assert world.names() == set(), "a later one finishes"


def test_a_damaged_root_stops_a_collection_before_anything_goes(world: World) -> None:
    world.commit()
    world.store.put("experiments/default/study/root.json", b"{")
    world.after(LATE)
    before = world.names()
    with pytest.raises(StoreError, match=r"root\.json .* cannot be read"):
        world.collect()
    world.store.put("experiments/default/study/root.json", b"{}")
    with pytest.raises(StoreError, match="does not say what it keeps"):
        world.collect()
    assert world.names() == before


def test_a_survey_writes_nothing(world: World) -> None:
    world.commit()
    world.fail(OTHER)
    world.after(LATE)

    def refuse(operation: str, name: str) -> None:
        raise AssertionError(f"{operation} {name}")

    world.store.before = refuse
    found = survey(world.artifacts, world.store.now)
    assert {(i.what, i.name, i.when, i.kind) for i in found.items} == {
        ("artifact", KEY, "later", "train"),
        ("step", OTHER, "now", "train"),
    }
    assert found.size("later") > len("eins") + len("zwei")


def test_pushed_inputs_stay_while_a_lock_names_them(world: World) -> None:
    named, other = "a" * 64, "b" * 64
    world.store.put(layout.pushed(named, "rows.jsonl"), b"1")
    world.store.put(layout.pushed(other, "rows.jsonl"), b"1")
    world.want()
    lock = f'{{"files": ["s3://b/p/inputs/{named}/rows.jsonl"]}}'.encode()
    world.artifacts.write_experiment_file("default", "study", "lock.json", lock)
    world.after(SOON)
    world.collect()
    assert len(world.below(layout.INPUTS)) == 2
    world.after(2 * DAY)
    world.collect()
    assert world.below(layout.INPUTS) == {layout.pushed(named, "rows.jsonl")}


def test_forgotten_probes_go(world: World) -> None:
    world.store.put("probes/1", b"")
    world.after(LATE)
    world.collect()
    assert world.names() == set()


def test_strangers_objects_stay(world: World) -> None:
    strange = {"README.txt", "documents/notes.txt", "attempts/x", "other/thing.json"}
    for name in strange:
        world.store.put(name, b"mine")
    world.after(LATE)
    world.collect(grace=0)
    assert world.names() == strange


def test_the_clock_of_a_store(store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    before = store_clock(store)
    store.put("x", b"")
    written: Callable[[], float] = lambda: next(i.modified for i in store.list("x"))  # noqa: E731
    assert before <= written() <= store_clock(store)
    assert not list(store.list(layout.PROBES))
