"""Every request of a store is told to who watches: both stores say the same."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from clt_operator.api.errors import StoreError, TransientError
from clt_operator.store import open_store
from clt_operator.store.observer import Request
from clt_operator.store.protocol import ObjectNotFound, ObjectStore

KEYS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s", "AWS_MAX_ATTEMPTS": "3"}


class Bucket(ThreadingHTTPServer):
    """Answers as S3 does, after ``faults`` answers that say "slow down"."""

    daemon_threads = True
    faults = 0
    silent = False  # it hangs up instead of answering

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.objects: dict[str, bytes] = {}

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answers(BaseHTTPRequestHandler):
    server: Bucket
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers["Content-Length"]))
        taken = self.headers.get("If-None-Match") and self.path in self.server.objects
        if self._slow():
            return
        if taken:
            self._say(412, b"<Error><Code>PreconditionFailed</Code></Error>")
            return
        self.server.objects[self.path] = data
        self._say(200)

    def do_GET(self) -> None:
        if self._slow():
            return
        if "list-type" in self.path:
            self._say(200, b"<ListBucketResult></ListBucketResult>")
        elif self.path in self.server.objects:
            self._say(200, self.server.objects[self.path])
        else:
            self._say(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def _slow(self) -> bool:
        if self.server.silent:
            self.close_connection = True
            return True
        if not self.server.faults:
            return False
        self.server.faults -= 1
        self._say(503, b"<Error><Code>SlowDown</Code></Error>")
        return True

    def _say(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
    with Bucket() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def seen() -> list[Request]:
    return []


@pytest.fixture(params=["file", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, seen: list[Request]) -> ObjectStore:
    if request.param == "file":
        return open_store(str(tmp_path / "store"), observer=seen.append)
    return s3_store(request.getfixturevalue("bucket"), seen)


def s3_store(bucket: Bucket, seen: list[Request]) -> ObjectStore:
    environment = KEYS | {"AWS_ENDPOINT_URL": bucket.address}
    return open_store("s3://bucket/p?checksums=when_required", environment, observer=seen.append)


def test_a_write_and_a_read_tell_operation_and_bytes(
    store: ObjectStore, seen: list[Request]
) -> None:
    store.put("a", b"12345")
    assert store.get("a") == b"12345"
    put, get = seen
    assert (put.operation, put.failed, put.written, put.read) == ("put", False, 5, 0)
    assert (get.operation, get.failed, get.written, get.read) == ("get", False, 0, 5)
    assert put.seconds > 0


def test_that_a_name_is_taken_or_absent_is_an_answer(
    store: ObjectStore, seen: list[Request]
) -> None:
    store.create("a", b"1")
    assert not store.create("a", b"2")
    with pytest.raises(ObjectNotFound):
        store.get("b")
    assert [(request.operation, request.failed) for request in seen] == [
        ("put", False),
        ("put", False),
        ("get", False),
    ]
    assert sum(request.written for request in seen) == 1


def test_a_listing_is_a_request(store: ObjectStore, seen: list[Request]) -> None:
    assert not list(store.list("none/"))
    assert [request.operation for request in seen] == ["list"]


def test_a_listing_left_early_has_not_failed(tmp_path: Path, seen: list[Request]) -> None:
    store = open_store(str(tmp_path), observer=seen.append)
    store.put("a", b"1")
    store.put("b", b"1")
    listing = store.list("")
    next(listing)
    del listing
    assert [(request.operation, request.failed) for request in seen[2:]] == [("list", False)]


def test_retries_of_the_client_are_told(bucket: Bucket, seen: list[Request]) -> None:
    store = s3_store(bucket, seen)
    bucket.faults = 2
    store.put("a", b"1")
    (request,) = seen
    assert (request.retries, request.failed, request.written) == (2, False, 1)


def test_a_request_that_no_retry_helped_failed(bucket: Bucket, seen: list[Request]) -> None:
    store = s3_store(bucket, seen)
    bucket.faults = 9
    with pytest.raises(TransientError):
        store.put("a", b"1")
    (request,) = seen
    assert (request.retries, request.failed, request.written) == (2, True, 0)


def test_a_request_that_nobody_answered_failed(bucket: Bucket, seen: list[Request]) -> None:
    store = s3_store(bucket, seen)
    bucket.silent = True
    with pytest.raises(TransientError):
        store.get("a")
    (request,) = seen
    assert (request.operation, request.retries, request.failed) == ("get", 2, True)


def test_a_file_store_that_refuses_failed(tmp_path: Path, seen: list[Request]) -> None:
    (tmp_path / "store").write_text("a file where the directory should be")
    store = open_store(str(tmp_path / "store"), observer=seen.append)
    with pytest.raises(StoreError):
        store.put("a", b"1")
    assert [request.failed for request in seen] == [True]


def test_a_store_without_observer_is_the_plain_one(tmp_path: Path) -> None:
    assert type(open_store(str(tmp_path))).__name__ == "FileStore"
