"""Promise 3 in one process, on each store: what readers see, and what they refuse to see."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest

from clt_operator.api.errors import StoreError
from clt_operator.api.step import Claim, Manifest, Outcome, StepDocument
from clt_operator.store.artifacts import Artifacts
from clt_operator.store.protocol import ObjectStore

KEY = "0c" * 32
NOW = "2025-01-01T00:00:00Z"
FILES = f"attempts/{KEY}/0001/files"


@pytest.fixture
def artifacts(store: ObjectStore) -> Artifacts:
    return Artifacts(store)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    directory = tmp_path / "source"
    (directory / "nested").mkdir(parents=True)
    (directory / "nested" / "números.txt").write_text("eins zwei")
    (directory / "weights.bin").write_bytes(bytes(range(256)))
    return directory


def committed(artifacts: Artifacts, outputs: dict[str, Path]) -> Manifest:
    claim = artifacts.claim(KEY, "a", NOW)
    manifest = Manifest(
        key=KEY,
        kind="train",
        attempt=claim.attempt,
        outputs=artifacts.stage_outputs(claim, outputs),
        summary={"steps": 3, "loss": math.nan},
    )
    assert artifacts.commit(manifest)
    return manifest


def test_outputs_are_read_as_they_were_written(
    artifacts: Artifacts, source: Path, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    committed(artifacts, {"checkpoint/best": source, "rows": empty})
    opened = artifacts.open_output(KEY, "checkpoint/best", tmp_path / "copy")
    assert (opened / "nested" / "números.txt").read_text() == "eins zwei"
    assert (opened / "weights.bin").read_bytes() == bytes(range(256))
    assert not any(artifacts.open_output(KEY, "rows", tmp_path / "none").iterdir())


def test_a_manifest_is_read_as_it_was_written_and_not_a_number_stays_visible(
    artifacts: Artifacts, source: Path
) -> None:
    written = committed(artifacts, {"checkpoint/best": source})
    manifest = artifacts.manifest(KEY)
    assert manifest is not None
    assert manifest.outputs == written.outputs
    assert manifest.summary == {"steps": 3, "loss": "NaN"}
    assert artifacts.committed() == {KEY}
    assert artifacts.manifest("0d" * 32) is None


def test_the_loser_of_a_commit_race_hears_no_and_changes_nothing(
    artifacts: Artifacts, source: Path
) -> None:
    first = committed(artifacts, {"rows": source})
    claim = artifacts.claim(KEY, "b", NOW)
    outputs = artifacts.stage_outputs(claim, {"rows": source})
    assert not artifacts.commit(
        Manifest(key=KEY, kind="train", attempt=claim.attempt, outputs=outputs)
    )
    kept = artifacts.manifest(KEY)
    assert kept is not None
    assert kept.attempt == first.attempt


def flip(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def truncate(data: bytes) -> bytes:
    return data[:-1]


@pytest.mark.parametrize(
    ("change", "words"), [(flip, "has SHA-256"), (truncate, "has 255 bytes instead of 256")]
)
def test_a_changed_file_is_refused_and_named(
    artifacts: Artifacts, source: Path, tmp_path: Path, change: Callable[[bytes], bytes], words: str
) -> None:
    committed(artifacts, {"checkpoint/best": source})
    name = f"{FILES}/checkpoint/best/weights.bin"
    artifacts.store.put(name, change(artifacts.store.get(name)))
    with pytest.raises(StoreError, match=words) as raised:
        artifacts.open_output(KEY, "checkpoint/best", tmp_path / "copy")
    for part in (KEY, "checkpoint/best/weights.bin", "apply again"):
        assert part in str(raised.value)
    assert not (tmp_path / "copy" / "weights.bin").exists()


def test_a_lost_file_is_refused_and_named(
    artifacts: Artifacts, source: Path, tmp_path: Path
) -> None:
    committed(artifacts, {"rows": source})
    artifacts.store.delete([f"{FILES}/rows/weights.bin"])
    with pytest.raises(StoreError, match=r"rows/weights\.bin is missing"):
        artifacts.open_output(KEY, "rows", tmp_path / "copy")


def test_a_damaged_manifest_is_said(artifacts: Artifacts) -> None:
    artifacts.store.put(f"committed/{KEY}.json", b'{"key": "')
    with pytest.raises(StoreError, match=f"committed/{KEY}.json .* cannot be read"):
        artifacts.manifest(KEY)


def test_an_output_that_is_not_there_is_said_with_those_that_are(
    artifacts: Artifacts, source: Path, tmp_path: Path
) -> None:
    committed(artifacts, {"checkpoint/best": source})
    with pytest.raises(StoreError, match="no output 'rows'; it has: checkpoint/best"):
        artifacts.open_output(KEY, "rows", tmp_path)


def test_outputs_inside_each_other_and_links_are_refused(
    artifacts: Artifacts, source: Path
) -> None:
    claim = artifacts.claim(KEY, "a", NOW)
    with pytest.raises(StoreError, match="lies inside"):
        artifacts.stage_outputs(claim, {"checkpoint": source, "checkpoint/best": source})
    (source / "link").symlink_to("/etc/hostname")
    with pytest.raises(StoreError, match="is a link"):
        artifacts.stage_outputs(claim, {"checkpoint": source})


def test_attempts_are_numbered_and_end_once(artifacts: Artifacts) -> None:
    claims = [artifacts.claim(KEY, holder, NOW) for holder in ("a", "b")]
    other = artifacts.claim("0d" * 32, "c", NOW)
    assert [claim.attempt for claim in claims] == [1, 2]
    lost = Outcome(key=KEY, attempt=1, outcome="lost", recorded_by="driver", message="gone")
    assert artifacts.record_outcome(lost)
    assert not artifacts.record_outcome(Outcome(key=KEY, attempt=1, outcome="committed"))
    states = artifacts.attempts(KEY)
    assert [state.claim for state in states] == claims
    assert [state.outcome for state in states] == [lost, None]
    assert artifacts.outcome(KEY, 1) == lost
    assert artifacts.attempt_numbers() == {KEY: [1, 2], other.key: [1]}
    assert artifacts.outcome_numbers() == {KEY: [1]}
    assert artifacts.attempts("0e" * 32) == []


def test_an_attempt_after_the_9999th_is_still_the_highest(artifacts: Artifacts) -> None:
    for number in (9998, 9999, 10000):
        claim = Claim(key=KEY, attempt=number, holder="a", claimed_at=NOW)
        artifacts.store.create(f"claims/{KEY}/{number:04d}.json", claim.model_dump_json().encode())
    assert artifacts.claim(KEY, "b", NOW).attempt == 10001


def test_progress_is_the_last_said_with_its_time_and_may_be_not_a_number(
    artifacts: Artifacts,
) -> None:
    claim = artifacts.claim(KEY, "a", NOW)
    assert artifacts.progress(KEY, 1) is None
    artifacts.write_progress(claim, {"done": 1, "loss": 2.5})
    artifacts.write_progress(claim, {"done": 2, "loss": math.nan})
    said = artifacts.progress(KEY, 1)
    assert said is not None
    figures, modified = said
    assert figures["done"] == 2
    assert math.isnan(figures["loss"])
    assert modified > 1e9


def test_logs_are_kept_beside_their_attempt(artifacts: Artifacts) -> None:
    assert artifacts.log(KEY, 1) is None
    artifacts.write_log(KEY, 1, b"one\n")
    assert artifacts.log(KEY, 1) == b"one\n"


def test_no_state_is_resumed_where_none_was_left(artifacts: Artifacts, tmp_path: Path) -> None:
    assert artifacts.load_resume(KEY, 1, tmp_path) is None
    artifacts.claim(KEY, "a", NOW)
    assert artifacts.load_resume(KEY, 2, tmp_path) is None


def test_the_newest_complete_state_of_earlier_attempts_is_resumed(
    artifacts: Artifacts, source: Path, tmp_path: Path
) -> None:
    first, second = (artifacts.claim(KEY, holder, NOW) for holder in "ab")
    for step, claim in ((10, first), (9, first), (100, first)):
        (source / "weights.bin").write_text(str(step))
        artifacts.save_resume(claim, f"step-{step}", source)
    loaded = artifacts.load_resume(KEY, 3, tmp_path / "one")
    assert loaded is not None
    assert (loaded / "weights.bin").read_text() == "100"
    (source / "weights.bin").write_text("200")
    artifacts.save_resume(second, "step-200", source)
    loaded = artifacts.load_resume(KEY, 3, tmp_path / "two")
    assert loaded is not None
    assert (loaded / "weights.bin").read_text() == "200"
    assert artifacts.load_resume(KEY, 1, tmp_path / "three") is None


def lose(artifacts: Artifacts, name: str) -> None:
    artifacts.store.delete([name])


def damage(artifacts: Artifacts, name: str) -> None:
    artifacts.store.put(name, flip(artifacts.store.get(name)))


@pytest.mark.parametrize("happen", [lose, damage])
def test_a_damaged_state_gives_way_to_an_earlier_attempts(
    artifacts: Artifacts, source: Path, tmp_path: Path, happen: Callable[[Artifacts, str], None]
) -> None:
    for holder in "ab":
        artifacts.save_resume(artifacts.claim(KEY, holder, NOW), "step-1", source)
    happen(artifacts, f"attempts/{KEY}/0002/resume/000001-step-1/files/weights.bin")
    loaded = artifacts.load_resume(KEY, 3, tmp_path / "loaded")
    assert loaded is not None
    assert loaded.name.startswith("0001-")
    assert [path.name for path in loaded.parent.iterdir()] == [loaded.name]


def document(**changes: object) -> StepDocument:
    fields = {"key": KEY, "kind": "train", "version": 1, "params": {"rate": 1e-5}, "inputs": []}
    return StepDocument.model_validate({**fields, **changes})


def test_a_document_is_stored_once_and_only_incidentals_may_differ(artifacts: Artifacts) -> None:
    artifacts.put_document(document(labels={"k": "100"}))
    artifacts.put_document(document(hints={"threads": 2}))
    assert artifacts.document(KEY) == document(labels={"k": "100"})
    with pytest.raises(StoreError, match="another step"):
        artifacts.put_document(document(params={"rate": 2e-5}))
    with pytest.raises(StoreError, match="knows no step"):
        artifacts.document("0d" * 32)


def test_an_experiments_root_is_dropped_alone(artifacts: Artifacts) -> None:
    assert artifacts.roots() == []
    artifacts.write_root("default", "guide", {"keys": [KEY]})
    artifacts.write_root("default", "guide", {"keys": [KEY, "more"]})
    artifacts.write_root("team", "guide", {"keys": []})
    artifacts.write_experiment_file("default", "guide", "spec.yaml", "año: 1\n".encode())
    assert artifacts.root("default", "guide") == {"keys": [KEY, "more"]}
    assert artifacts.roots() == [("default", "guide"), ("team", "guide")]
    artifacts.drop_root("default", "guide")
    assert artifacts.root("default", "guide") is None
    assert artifacts.roots() == [("team", "guide")]
    assert artifacts.experiment_file("default", "guide", "spec.yaml") == "año: 1\n".encode()
    assert artifacts.experiment_file("default", "guide", "lock.json") is None
