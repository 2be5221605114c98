"""A cache gives back what was put in or nothing, and never stands in the way."""

import hashlib
import os
from pathlib import Path

import pytest

from clt_operator.api.step import FileEntry, Manifest
from clt_operator.store.artifacts import Artifacts
from clt_operator.store.cache import FileCache
from clt_operator.store.file import FileStore


def entry_of(data: bytes) -> FileEntry:
    return FileEntry(path="out/x", size=len(data), sha256=hashlib.sha256(data).hexdigest())


@pytest.fixture
def cache(tmp_path: Path) -> FileCache:
    return FileCache(tmp_path / "cache", smallest=4, room=0)


def kept(cache: FileCache, data: bytes, folder: Path) -> FileEntry:
    path = folder / "source"
    path.write_bytes(data)
    cache.keep(entry_of(data), path)
    return entry_of(data)


def test_what_was_kept_is_given_back(cache: FileCache, tmp_path: Path) -> None:
    entry = kept(cache, b"weights", tmp_path)
    assert cache.take(entry, tmp_path / "deep/target")
    assert (tmp_path / "deep/target").read_bytes() == b"weights"
    assert not cache.take(entry_of(b"others"), tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_promise_commit_a_file_that_somebody_changed_is_a_miss_and_goes(
    cache: FileCache, tmp_path: Path
) -> None:
    entry = kept(cache, b"weights", tmp_path)
    (cache.directory / entry.sha256).write_bytes(b"poison!")
    assert not cache.take(entry, tmp_path / "target")
    assert not (tmp_path / "target").exists()
    assert not (cache.directory / entry.sha256).exists()


def test_what_is_given_back_is_a_file_of_its_own(cache: FileCache, tmp_path: Path) -> None:
    entry = kept(cache, b"weights", tmp_path)
    held = cache.directory / entry.sha256
    held.unlink()
    held.symlink_to(tmp_path / "source")
    assert cache.take(entry, tmp_path / "target")
    assert not (tmp_path / "target").is_symlink()
    held.unlink()
    os.mkfifo(held)
    assert not cache.take(entry, tmp_path / "target")


def test_small_files_are_not_kept(cache: FileCache, tmp_path: Path) -> None:
    entry = kept(cache, b"abc", tmp_path)
    assert not cache.take(entry, tmp_path / "target")
    assert not cache.directory.exists()


def test_what_was_not_used_longest_makes_room(
    cache: FileCache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = kept(cache, b"first", tmp_path), kept(cache, b"second", tmp_path)
    for age, entry in ((100, first), (200, second)):
        os.utime(cache.directory / entry.sha256, (age, age))
    assert cache.take(first, tmp_path / "target")  # now the younger one

    def fits(size: int) -> bool:
        return not (cache.directory / second.sha256).exists()

    monkeypatch.setattr(cache, "_fits", fits)
    third = kept(cache, b"third", tmp_path)
    assert not cache.take(second, tmp_path / "target")
    assert cache.take(first, tmp_path / "target")
    assert cache.take(third, tmp_path / "target")


def test_a_file_larger_than_the_volume_is_not_kept(tmp_path: Path) -> None:
    cache = FileCache(tmp_path / "cache", smallest=0, room=1 << 60)
    entry = kept(cache, b"weights", tmp_path)
    assert not cache.take(entry, tmp_path / "target")


def test_a_cache_that_cannot_be_written_stands_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    cache = FileCache(tmp_path / "cache", smallest=0)
    assert not cache.take(kept(cache, b"weights", tmp_path), tmp_path / "target")


class Remote(FileStore):
    """A store whose files are not on this disk, as S3 is; counts what is downloaded."""

    downloads = 0

    def local_path(self, name: str) -> Path | None:
        return None

    def download(self, name: str, path: Path) -> None:
        self.downloads += 1
        super().download(name, path)


def test_an_output_comes_from_the_store_once(cache: FileCache, tmp_path: Path) -> None:
    store, key = Remote(tmp_path / "store"), "a" * 64
    artifacts = Artifacts(store)
    claim = artifacts.claim(key, "local:x:1:1", "2026-01-01T00:00:00Z")
    (tmp_path / "model").mkdir()
    (tmp_path / "model/weights").write_bytes(b"weights")
    outputs = artifacts.stage_outputs(claim, {"model": tmp_path / "model"})
    assert artifacts.commit(Manifest(key=key, kind="train", attempt=1, outputs=outputs))
    for at in range(3):
        found = artifacts.open_output(key, "model", tmp_path / f"copy{at}", cache)
        assert (found / "weights").read_bytes() == b"weights"
    assert store.downloads == 1
