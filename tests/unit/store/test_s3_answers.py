"""What S3 answers, and what becomes of it, by botocore's own stubber."""

import io
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore import exceptions as boto
from botocore.response import StreamingBody
from botocore.stub import ANY, Stubber

from clt_operator.api.errors import StoreError, TransientError
from clt_operator.store import s3
from clt_operator.store.protocol import ObjectNotFound
from clt_operator.store.s3 import S3Store
from clt_operator.store.s3_errors import explain


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "_pause", lambda: None)


@pytest.fixture
def stub() -> Iterator[tuple[S3Store, Stubber]]:
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "s"}
    client = boto3.client("s3", region_name="us-east-1", **keys)
    with Stubber(client) as stubber:
        yield S3Store("bucket", "p", client=client), stubber
        stubber.assert_no_pending_responses()


def refused(code: str, status: int = 400) -> boto.ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": "said"},
        "ResponseMetadata": {"HTTPStatusCode": status, "RetryAttempts": 5},
    }
    return boto.ClientError(response, "GetObject")


@pytest.mark.parametrize(
    ("code", "status", "error", "words"),
    [
        ("NoSuchKey", 404, ObjectNotFound, "name"),
        ("404", 404, ObjectNotFound, "name"),
        ("NoSuchBucket", 404, StoreError, "create the bucket"),
        ("AccessDenied", 403, StoreError, "credentials need s3:ListBucket"),
        ("InvalidAccessKeyId", 403, StoreError, "check AWS_ACCESS_KEY_ID"),
        ("ExpiredToken", 400, StoreError, "sign in again"),
        ("PermanentRedirect", 301, StoreError, "AWS_REGION"),
        ("NotImplemented", 501, StoreError, "use another store"),
        ("XMinioStorageFull", 507, StoreError, "free space"),
        ("SomethingNew", 418, StoreError, "SomethingNew"),
        ("SlowDown", 503, TransientError, "after 5 retries"),
        ("InternalError", 500, TransientError, "after 5 retries"),
        ("Unheard", 502, TransientError, "after 5 retries"),
        ("Unheard", 429, TransientError, "after 5 retries"),
    ],
)
def test_an_answer_becomes_an_error_with_place_and_next_step(
    code: str, status: int, error: type[Exception], words: str
) -> None:
    answer = explain(refused(code, status), "s3://bucket/p", "name")
    assert type(answer) is error
    assert words in str(answer)
    if error is not ObjectNotFound:
        assert "name in s3://bucket/p" in str(answer)


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (boto.NoCredentialsError(), StoreError, "AWS_ACCESS_KEY_ID"),
        (boto.EndpointConnectionError(endpoint_url="http://x"), TransientError, "AWS_ENDPOINT_URL"),
        (boto.ReadTimeoutError(endpoint_url="http://x"), TransientError, "connection"),
        (boto.SSLError(endpoint_url="https://x", error="cert"), StoreError, "cert"),
        (ValueError("Invalid endpoint: x"), StoreError, "Invalid endpoint"),
    ],
)
def test_no_answer_becomes_an_error_with_the_next_step(
    fault: Exception, error: type[Exception], words: str
) -> None:
    answer = explain(fault, "s3://bucket/p", "name")
    assert type(answer) is error
    assert words in str(answer)


def test_create_asks_for_absence_and_hears_no(stub: tuple[S3Store, Stubber]) -> None:
    store, stubber = stub
    expected = {
        "Bucket": "bucket",
        "Key": "p/a",
        "Body": b"1",
        "IfNoneMatch": "*",
        "Metadata": ANY,
    }
    stubber.add_response("put_object", {}, expected)
    stubber.add_client_error("put_object", "PreconditionFailed", "", 412, expected_params=expected)
    assert store.create("a", b"1")
    assert not store.create("a", b"1")


def test_create_tries_again_where_another_write_is_under_way(
    stub: tuple[S3Store, Stubber],
) -> None:
    store, stubber = stub
    stubber.add_client_error("put_object", "ConditionalRequestConflict", "", 409)
    stubber.add_response("put_object", {})
    assert store.create("a", b"1")


def test_create_gives_up_on_endless_conflicts_as_a_fault_that_may_pass(
    stub: tuple[S3Store, Stubber],
) -> None:
    store, stubber = stub
    for _ in range(s3.CONFLICT_TRIES):
        stubber.add_client_error("put_object", "ConditionalRequestConflict", "", 409)
    with pytest.raises(TransientError, match="concurrent write"):
        store.create("a", b"1")


@pytest.mark.parametrize(("own", "created"), [(True, True), (False, False)])
def test_a_repeated_create_knows_its_own_earlier_write(
    stub: tuple[S3Store, Stubber], monkeypatch: pytest.MonkeyPatch, own: bool, created: bool
) -> None:
    store, stubber = stub
    token = "0" * 32
    monkeypatch.setattr(s3.uuid, "uuid4", lambda: type("U", (), {"hex": token}))
    stubber.add_client_error(
        "put_object", "PreconditionFailed", "", 412, response_meta={"RetryAttempts": 1}
    )
    stubber.add_response("head_object", {"Metadata": {s3.WRITER: token if own else "other"}})
    assert store.create("a", b"1") is created


def broken_body() -> StreamingBody:
    return StreamingBody(io.BytesIO(b"12"), content_length=4)


def test_a_broken_download_is_taken_up_again(stub: tuple[S3Store, Stubber]) -> None:
    store, stubber = stub
    stubber.add_response("get_object", {"Body": broken_body()})
    stubber.add_response("get_object", {"Body": StreamingBody(io.BytesIO(b"1234"), 4)})
    assert store.get("a") == b"1234"


def test_a_download_that_keeps_breaking_is_a_fault_that_may_pass(
    stub: tuple[S3Store, Stubber],
) -> None:
    store, stubber = stub
    for _ in range(s3.BODY_TRIES):
        stubber.add_response("get_object", {"Body": broken_body()})
    with pytest.raises(TransientError):
        store.get("a")


def test_a_deletion_that_was_refused_is_said(stub: tuple[S3Store, Stubber]) -> None:
    store, stubber = stub
    fault = {"Key": "p/a", "Code": "AccessDenied", "Message": "no"}
    stubber.add_response("delete_objects", {"Errors": [fault]})
    with pytest.raises(StoreError, match="cannot delete p/a"):
        store.delete(["a"])


def test_deletions_go_in_batches_of_a_thousand(stub: tuple[S3Store, Stubber]) -> None:
    store, stubber = stub
    for _ in range(3):
        stubber.add_response("delete_objects", {})
    store.delete(f"n{number}" for number in range(2500))
    stubber.assert_no_pending_responses()
