"""The directory as object store: what only a file system can get wrong."""

import contextlib
import errno
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clt_operator.api.errors import StoreError, TransientError
from clt_operator.store.artifacts import Artifacts
from clt_operator.store.file import FileStore
from clt_operator.store.names import TEMPORARY


@pytest.fixture
def store(tmp_path: Path) -> FileStore:
    return FileStore(tmp_path / "store")


def leftovers(store: FileStore) -> list[Path]:
    return list(store.root.rglob(f"{TEMPORARY}*"))


@settings(max_examples=30, deadline=None)
@given(
    names=st.sets(
        st.lists(st.text("ab-.~é0", min_size=1, max_size=3), min_size=1, max_size=3).map("/".join),
        max_size=12,
    )
)
def test_listing_is_in_the_byte_order_of_whole_names(
    names: set[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = FileStore(tmp_path_factory.mktemp("order"))
    written = set()
    for name in sorted(names):
        with contextlib.suppress(StoreError):  # dots, or an object where a directory is needed
            store.put(name, b"")
            written.add(name)
    assert [info.name for info in store.list("")] == sorted(written, key=str.encode)


def test_committed_over_ten_thousand_keys_is_well_under_a_second(store: FileStore) -> None:
    directory = store.root / "committed"
    directory.mkdir(parents=True)
    for number in range(10_000):
        (directory / f"{number:064x}.json").touch()
    start = time.perf_counter()
    keys = Artifacts(store).committed()
    assert len(keys) == 10_000
    assert time.perf_counter() - start < 1


def test_objects_are_read_only_copies(store: FileStore, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"before")
    store.upload("a", source)
    source.write_bytes(b"after!")
    path = store.local_path("a")
    assert path is not None
    assert path.stat().st_mode & 0o222 == 0
    assert path.stat().st_nlink == 1
    assert path.read_bytes() == b"before"


def test_a_write_leaves_no_temporary_files_and_a_dead_writers_are_not_listed(
    store: FileStore,
) -> None:
    store.put("a/b", b"1")
    store.create("a/b", b"2")
    assert leftovers(store) == []
    (store.root / "a" / f"{TEMPORARY}dead").write_bytes(b"half")
    assert [info.name for info in store.list("")] == ["a/b"]


def test_deleting_the_last_object_removes_its_directories(store: FileStore) -> None:
    store.put("a/b/c", b"")
    store.put("a/d", b"")
    store.delete(["a/b/c"])
    assert sorted(p.name for p in (store.root / "a").iterdir()) == ["d"]


def test_where_a_copy_inside_the_kernel_is_not_possible_bytes_are_copied(
    store: FileStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> int:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(os, "copy_file_range", refuse)
    source = tmp_path / "source"
    source.write_bytes(b"x" * 3_000_000)
    store.upload("a", source)
    assert store.get("a") == source.read_bytes()


def test_progress_and_logs_are_not_synced_but_a_commit_is(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifacts = Artifacts(store)
    claim = artifacts.claim("k", "local:host:1:1", "2025-01-01T00:00:00Z")
    artifacts.write_progress(claim, {"done": 0.0})  # makes the attempt's directory, once
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    artifacts.write_progress(claim, {"done": 1.0})
    artifacts.write_log("k", 1, b"line\n")
    assert synced == []
    store.create("committed/k.json", b"{}")
    assert synced


def test_a_link_whose_answer_was_lost_counts_as_made(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def link_twice(source: Path, target: Path) -> None:
        link(source, target)
        link(source, target)  # the repeated request finds the first one's name

    monkeypatch.setattr(os, "link", link_twice)
    assert store.create("a", b"1")


@pytest.mark.parametrize(
    ("code", "error", "words"),
    [
        (errno.ENOSPC, StoreError, "disk is full: free space"),
        (errno.EDQUOT, StoreError, "quota is used up"),
        (errno.EROFS, StoreError, "read-only: choose another store"),
        (errno.EIO, StoreError, "Input/output error"),
        (errno.ESTALE, TransientError, "Stale file handle"),
    ],
)
def test_what_the_system_refuses_is_said_with_place_and_next_step(
    store: FileStore,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    error: type[Exception],
    words: str,
) -> None:
    def refuse(*arguments: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "write", refuse)
    with pytest.raises(error, match=words) as raised:
        store.put("a/b", b"1")
    assert str(store.root) in str(raised.value)
    assert leftovers(store) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    directory = tmp_path / "small"
    directory.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(directory)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    yield directory
    subprocess.run(["umount", str(directory)], check=True)


def test_a_full_disk_is_said_and_what_was_stored_stays_readable(
    small_disk: Path, tmp_path: Path
) -> None:
    store = FileStore(small_disk / "store")
    store.put("small", b"kept")
    big = tmp_path / "big"
    big.write_bytes(b"x" * 1_000_000)
    with pytest.raises(StoreError, match="disk is full"):
        store.upload("big", big)
    with pytest.raises(StoreError, match="disk is full"):
        store.create("big", big.read_bytes())
    assert [info.name for info in store.list("")] == ["small"]
    assert leftovers(store) == []
    assert store.get("small") == b"kept"


def test_a_download_to_a_full_disk_leaves_nothing(small_disk: Path, store: FileStore) -> None:
    store.put("big", b"x" * 1_000_000)
    with pytest.raises(StoreError, match=f"cannot write copy in {small_disk}: the disk is full"):
        store.download("big", small_disk / "copy")
    assert list(small_disk.iterdir()) == []


@pytest.fixture
def unprivileged() -> Iterator[None]:
    """Root may write everywhere, so it steps down for the test."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_directory_that_is_not_writable_is_said_by_the_probe(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    for directory in (tmp_path, *tmp_path.parents[:2]):  # pytest keeps its directories private
        directory.chmod(0o755)
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    request.getfixturevalue("unprivileged")
    with pytest.raises(StoreError, match=f"in {locked}/store: permission denied"):
        FileStore(locked / "store").probe()


def test_a_file_where_the_store_should_be_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = FileStore(tmp_path / "file")
    with pytest.raises(StoreError, match="a file is where a directory is needed"):
        store.probe()
    with pytest.raises(StoreError, match="a file is where a directory is needed"):
        list(store.list(""))


def test_a_file_system_without_hard_links_is_refused(
    store: FileStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    with pytest.raises(StoreError, match="hard links are needed"):
        store.probe()
