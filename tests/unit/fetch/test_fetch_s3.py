"""fetch reads s3:// locations through the object store, verified like any file."""

import hashlib

import boto3
import pytest
from moto import mock_aws

from clt_operator.api.errors import InputError
from clt_operator.api.keys import files_digest

LINE = b'{"question": "a", "answer": "1"}\n'


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="data")
        client.put_object(Bucket="data", Key="sets/a.jsonl", Body=LINE)
        yield "s3://data/sets"


def test_an_object_is_read(bucket: str, fetched_from) -> None:
    digest = files_digest([hashlib.sha256(LINE).hexdigest()])
    rows, _ = fetched_from([f"{bucket}/a.jsonl"], format="jsonl", digest=digest)
    assert rows[0].prompt == "a"


def test_a_changed_or_absent_object_is_named(bucket: str, fetched_from) -> None:
    with pytest.raises(InputError, match=r"s3://data/sets/a\.jsonl: changed since"):
        fetched_from([f"{bucket}/a.jsonl"], format="jsonl", digest="0" * 64)
    with pytest.raises(InputError, match=r"s3://data/sets/b\.jsonl: no such object"):
        fetched_from([f"{bucket}/b.jsonl"], format="jsonl")


def test_other_schemes_are_refused(fetched_from) -> None:
    with pytest.raises(InputError, match="only local paths, file:// and s3:// can be read"):
        fetched_from(["https://example.org/a.jsonl"], format="jsonl")
