"""What every object store does alike: one suite, three stores."""

import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from services import versitygw

from clt_operator.api.errors import StoreError, TransientError
from clt_operator.store import open_store
from clt_operator.store.protocol import ObjectNotFound, ObjectStore
from clt_operator.store.s3 import PART, S3Store


def test_what_was_put_is_got_and_replaced_whole(store: ObjectStore) -> None:
    store.put("a/b", b"one")
    store.put("a/b", b"two!")
    assert store.get("a/b") == b"two!"
    store.put("empty", b"", durable=False)
    assert store.get("empty") == b""


def test_create_writes_only_what_is_absent(store: ObjectStore) -> None:
    assert store.create("a/b", b"first")
    assert not store.create("a/b", b"second")
    assert store.get("a/b") == b"first"
    store.delete(["a/b"])
    assert store.create("a/b", b"third")


@pytest.mark.parametrize(
    ("start", "length"),
    [(0, None), (3, None), (0, 4), (3, 4), (8, 100), (10, None), (10, 5), (25, 1), (4, 0)],
)
def test_a_range_is_a_slice(store: ObjectStore, start: int, length: int | None) -> None:
    data = b"0123456789"
    store.put("a", data)
    end = None if length is None else start + length
    assert store.get("a", start, length) == data[start:end]


@pytest.mark.parametrize("arguments", [(), (2, 3), (0, 0)])
def test_an_absent_object_is_not_found(store: ObjectStore, arguments: tuple[int, ...]) -> None:
    store.put("a/b", b"")
    for name in ("missing", "a/b/c", "a"):
        with pytest.raises(ObjectNotFound):
            store.get(name, *arguments)


def test_an_absent_object_is_not_downloaded(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(ObjectNotFound):
        store.download("missing", tmp_path / "into" / "file")
    assert not (tmp_path / "into" / "file").exists()


def test_files_go_up_and_come_down_whatever_their_size(store: ObjectStore, tmp_path: Path) -> None:
    for size in (0, 1, PART + 12345):
        source, target = tmp_path / f"{size}.up", tmp_path / "down" / f"{size}"
        source.write_bytes(bytes(range(251)) * (size // 251 + 1))
        with source.open("r+b") as file:
            file.truncate(size)
        store.upload(f"files/{size}", source)
        store.download(f"files/{size}", target)
        assert target.read_bytes() == source.read_bytes()
        assert sorted(p.name for p in target.parent.iterdir() if p.name.startswith(".")) == []


def test_a_file_that_cannot_be_read_is_said(store: ObjectStore, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=f"cannot read {tmp_path}/missing"):
        store.upload("a", tmp_path / "missing")
    assert list(store.list("")) == []


def test_listing_is_below_a_prefix_in_byte_order_with_sizes(store: ObjectStore) -> None:
    names = ["x/a/b", "x/a-b", "x/a.b", "x/ab", "x/a/é", "x/a/~", "xy", "y/z"]
    for size, name in enumerate(names):
        store.put(name, b"." * size)
    found = list(store.list("x/"))
    assert [info.name for info in found] == sorted(names[:6], key=str.encode)
    assert {info.name: info.size for info in found} == {n: names.index(n) for n in names[:6]}
    assert [info.name for info in store.list("x")] == sorted(names[:7], key=str.encode)
    assert [info.name for info in store.list("x/a/~")] == ["x/a/~"]
    assert list(store.list("nothing/")) == []


def test_modification_times_are_those_of_the_store(store: ObjectStore, tmp_path: Path) -> None:
    store.put("a", b"")
    (tmp_path / "now").touch()
    (info,) = store.list("a")
    assert info.modified == pytest.approx((tmp_path / "now").stat().st_mtime, abs=5)


def test_listings_and_deletions_go_beyond_a_page(store: ObjectStore) -> None:
    names = [f"many/{number:05d}" for number in range(1005)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: store.put(name, b"", durable=False), names))
    assert [info.name for info in store.list("many/")] == names
    store.delete(iter(names[1:]))
    assert [info.name for info in store.list("many/")] == names[:1]


def test_deleting_what_is_absent_is_no_error(store: ObjectStore) -> None:
    store.put("a/b", b"")
    store.delete(["missing", "a/missing", "a/b", "a/b/c"])
    assert list(store.list("")) == []


def test_names_cannot_leave_the_store(store: ObjectStore, tmp_path: Path) -> None:
    for name in ("../outside", "/outside", "a/../../outside", ""):
        for use in (store.get, store.local_path, lambda n: store.put(n, b"")):
            with pytest.raises(StoreError, match="object name"):
                use(name)


def test_a_store_without_conditional_creation_is_refused_by_the_probe(store_uri: str) -> None:
    store = open_store(store_uri)
    store.probe()
    if not isinstance(store, S3Store):
        return  # a file system's refusal is in the unit tests

    def strip(params: dict[str, Any], **_: Any) -> None:
        del params["IfNoneMatch"]

    store._client.meta.events.register("before-parameter-build.s3.PutObject", strip)
    with pytest.raises(StoreError, match="does not honour conditional writes"):
        store.probe()
    assert list(store.list("")) == []


def test_a_store_can_be_shared_between_threads(
    store: ObjectStore, request: pytest.FixtureRequest
) -> None:
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda n: store.create(f"race/{n % 5}", str(n).encode()), range(40)))
    in_moto = "moto" in request.node.callspec.id  # its check and its write are two steps
    assert sum(won) == 5 or (in_moto and sum(won) > 5)
    assert len(list(store.list("race/"))) == 5


@pytest.mark.parametrize(
    ("change", "uri", "words"),
    [
        ({}, "s3://no-such-bucket/p", "create the bucket"),
        ({"AWS_SECRET_ACCESS_KEY": "wrong"}, "s3://studies/p", "AWS_SECRET_ACCESS_KEY"),
        ({"AWS_ACCESS_KEY_ID": "wrong"}, "s3://studies/p", "AWS_ACCESS_KEY_ID"),
    ],
)
def test_a_wrong_bucket_or_key_is_said_with_the_next_step(
    gateway: versitygw.Gateway,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, str],
    uri: str,
    words: str,
) -> None:
    for name, value in {**gateway.environment, **change}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StoreError, match=words):
        open_store(uri).probe()


def test_a_store_that_does_not_answer_is_a_fault_that_may_pass(
    gateway: versitygw.Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as closed:  # bound, not listening: connections are refused
        closed.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{closed.getsockname()[1]}"
        for name, value in {**gateway.environment, "AWS_ENDPOINT_URL": endpoint}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        with pytest.raises(TransientError, match="AWS_ENDPOINT_URL"):
            open_store("s3://studies/p").probe()
