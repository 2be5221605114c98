"""Promise 3, seen from the store: which objects an attempt writes, and in which order."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from clt_operator.api.errors import StoreError, TransientError
from clt_operator.api.step import FileEntry, Manifest
from clt_operator.store import resume
from clt_operator.store.artifacts import Artifacts
from clt_operator.store.file import FileStore
from clt_operator.store.protocol import ObjectInfo

KEY = "0a" * 32
NOW = "2025-01-01T00:00:00Z"


class RecordingStore(FileStore):
    """A file store that keeps what was asked of it."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.writes: list[str] = []
        self.before_download: list[str] = []  # names to delete when a download begins

    def put(self, name: str, data: bytes, *, durable: bool = True) -> None:
        self.writes.append(name)
        super().put(name, data, durable=durable)

    def create(self, name: str, data: bytes) -> bool:
        self.writes.append(name)
        return super().create(name, data)

    def upload(self, name: str, path: Path) -> None:
        self.writes.append(name)
        super().upload(name, path)

    def download(self, name: str, path: Path) -> None:
        super().delete(self.before_download)
        super().download(name, path)

    def delete(self, names: Iterable[str]) -> None:
        for name in names:
            self.writes.append(f"-{name}")
            super().delete([name])


@pytest.fixture
def store(tmp_path: Path) -> RecordingStore:
    return RecordingStore(tmp_path / "store")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    directory = tmp_path / "state"
    directory.mkdir()
    (directory / "weights").write_bytes(b"w")
    (directory / "position").write_bytes(b"p")
    return directory


def test_the_manifest_is_written_last(store: RecordingStore, state: Path) -> None:
    artifacts = Artifacts(store)
    claim = artifacts.claim(KEY, "a", NOW)
    outputs = artifacts.stage_outputs(claim, {"rows": state})
    assert artifacts.commit(Manifest(key=KEY, kind="x", attempt=1, outputs=outputs))
    files = f"attempts/{KEY}/0001/files/rows"
    assert store.writes == [
        f"claims/{KEY}/0001.json",
        f"{files}/position",
        f"{files}/weights",
        f"committed/{KEY}.json",
    ]


def test_a_manifest_that_names_what_is_not_stored_is_refused(store: RecordingStore) -> None:
    artifacts = Artifacts(store)
    claim = artifacts.claim(KEY, "a", NOW)
    entry = FileEntry(path="rows/x", size=1, sha256="0" * 64)
    manifest = Manifest(key=KEY, kind="x", attempt=claim.attempt, outputs={"rows": [entry]})
    with pytest.raises(StoreError, match="rows/x is missing"):
        artifacts.commit(manifest)
    store.put(f"attempts/{KEY}/0001/files/rows/x", b"12")
    with pytest.raises(StoreError, match="has 2 bytes, 1 expected"):
        artifacts.commit(manifest)
    assert artifacts.committed() == set()


def test_the_store_decides_where_no_higher_claim_was_seen_in_time(
    store: RecordingStore, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifacts = Artifacts(store)
    manifests = []
    for holder in ("a", "b"):
        claim = artifacts.claim(KEY, holder, NOW)
        outputs = artifacts.stage_outputs(claim, {"rows": state})
        manifests.append(Manifest(key=KEY, kind="x", attempt=claim.attempt, outputs=outputs))
    monkeypatch.setattr(Artifacts, "superseded", lambda *_: False)
    assert [artifacts.commit(manifest) for manifest in manifests] == [True, False]
    found = artifacts.manifest(KEY)
    assert found is not None
    assert found.attempt == 1


def test_a_resume_state_is_complete_last_and_the_old_one_stops_counting_first(
    store: RecordingStore, state: Path
) -> None:
    artifacts = Artifacts(store)
    claim = artifacts.claim(KEY, "a", NOW)
    artifacts.save_resume(claim, "step-10", state)
    store.writes.clear()
    artifacts.save_resume(claim, "step-20", state)
    old, new = (f"attempts/{KEY}/0001/resume/{n}" for n in ("000001-step-10", "000002-step-20"))
    assert store.writes == [
        f"{new}/files/position",
        f"{new}/files/weights",
        f"{new}/COMPLETE.json",
        f"-{old}/COMPLETE.json",
        f"-{old}/files/position",
        f"-{old}/files/weights",
    ]


def test_a_name_that_is_saved_again_never_overwrites_the_state_that_counts(
    store: RecordingStore, state: Path, tmp_path: Path
) -> None:
    artifacts = Artifacts(store)
    claim = artifacts.claim(KEY, "a", NOW)
    artifacts.save_resume(claim, "latest", state)
    (state / "position").write_bytes(b"q")
    artifacts.save_resume(claim, "latest", state)
    loaded = artifacts.load_resume(KEY, 2, tmp_path / "loaded")
    assert loaded is not None
    assert (loaded / "position").read_bytes() == b"q"
    assert len(set(store.writes)) == len(store.writes)


def test_the_next_attempt_reads_the_state_of_an_earlier_one_and_writes_only_its_own(
    store: RecordingStore, state: Path, tmp_path: Path
) -> None:
    artifacts = Artifacts(store)
    first = artifacts.claim(KEY, "a", NOW)
    artifacts.save_resume(first, "step-10", state)
    second = artifacts.claim(KEY, "b", NOW)
    store.writes.clear()
    loaded = artifacts.load_resume(KEY, second.attempt, tmp_path / "loaded")
    assert loaded is not None
    (loaded / "position").write_bytes(b"further")
    artifacts.save_resume(second, "step-20", loaded)
    artifacts.save_resume(second, "step-30", loaded)
    own = f"attempts/{KEY}/0002/resume/"
    assert {name.removeprefix("-").startswith(own) for name in store.writes} == {True}
    again = artifacts.load_resume(KEY, 2, tmp_path / "again")
    assert again is not None
    assert (again / "position").read_bytes() == b"p"


def test_a_state_that_was_never_completed_does_not_count(
    store: RecordingStore, state: Path, tmp_path: Path
) -> None:
    artifacts = Artifacts(store)
    claim = artifacts.claim(KEY, "a", NOW)
    store.put(f"attempts/{KEY}/0001/resume/000001-torn/files/position", b"p")
    assert artifacts.load_resume(KEY, 2, tmp_path / "loaded") is None
    artifacts.save_resume(claim, "whole", state)
    assert not any("torn" in info.name for info in store.list(""))
    store.put(f"attempts/{KEY}/0001/resume/000003-torn/files/position", b"x")
    loaded = artifacts.load_resume(KEY, 2, tmp_path / "loaded")
    assert loaded is not None
    assert (loaded / "position").read_bytes() == b"p"


def test_a_state_that_is_replaced_while_it_is_read_gives_way_to_the_newer(
    store: RecordingStore, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifacts = Artifacts(store)
    claim = artifacts.claim(KEY, "a", NOW)
    artifacts.save_resume(claim, "old", state)
    download = FileStore.download
    replaced: list[str] = []

    def replace_then_download(self: FileStore, name: str, path: Path) -> None:
        if not replaced:
            replaced.append(name)
            (state / "position").write_bytes(b"newer")
            artifacts.save_resume(claim, "new", state)
        download(self, name, path)

    monkeypatch.setattr(RecordingStore, "download", replace_then_download)
    loaded = artifacts.load_resume(KEY, 2, tmp_path / "loaded")
    assert loaded is not None
    assert {p.name: p.read_bytes() for p in loaded.iterdir()} == {
        "weights": b"w",
        "position": b"newer",
    }


def test_a_state_that_is_always_replaced_is_a_fault_that_may_pass(
    store: RecordingStore, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifacts = Artifacts(store)
    claim = artifacts.claim(KEY, "a", NOW)
    artifacts.save_resume(claim, "old", state)
    seen = list(store.list(""))

    def stale(self: FileStore, prefix: str) -> Iterator[ObjectInfo]:
        return (info for info in seen if info.name.startswith(prefix))

    monkeypatch.setattr(RecordingStore, "list", stale)
    store.before_download = [info.name for info in seen if "/resume/" in info.name]
    with pytest.raises(TransientError, match=f"each of {resume.READ_ROUNDS} times"):
        artifacts.load_resume(KEY, 2, tmp_path / "loaded")
    assert not any((tmp_path / "loaded").iterdir())
