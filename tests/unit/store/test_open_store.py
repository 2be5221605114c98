"""What a store's URI may say, and that boto3 is imported only for S3."""

import subprocess
import sys
from pathlib import Path

import pytest

from clt_operator.api.errors import StoreError
from clt_operator.store import open_store
from clt_operator.store.file import FileStore
from clt_operator.store.s3 import S3Store


@pytest.mark.parametrize("form", ["file://{0}", "file:{0}", "{0}"])
def test_a_directory_can_be_named_in_three_forms(form: str, tmp_path: Path) -> None:
    store = open_store(form.format(tmp_path))
    assert isinstance(store, FileStore)
    assert store.uri == f"file://{tmp_path}"


def test_a_relative_path_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert open_store("file:here").uri == open_store("here").uri == f"file://{tmp_path}/here"


def test_the_uri_of_a_store_opens_the_same_store(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "with space and ü"))
    assert open_store(store.uri).uri == store.uri


@pytest.mark.parametrize(
    ("uri", "bucket", "prefix"),
    [("s3://bucket", "bucket", ""), ("s3://bucket/a/b/", "bucket", "a/b/")],
)
def test_s3_is_bucket_and_prefix(
    uri: str, bucket: str, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    store = open_store(uri)
    assert isinstance(store, S3Store)
    assert (store.bucket, store.prefix) == (bucket, prefix)
    assert store.uri == uri.rstrip("/")


def test_checksums_are_a_setting_of_the_uri_or_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    store = open_store("s3://bucket/p?checksums=when_required")
    assert isinstance(store, S3Store)
    assert store._client.meta.config.request_checksum_calculation == "when_required"
    assert store.uri == "s3://bucket/p?checksums=when_required"
    monkeypatch.setenv("CLT_S3_CHECKSUMS", "when_required")
    other = open_store("s3://bucket/p")
    assert isinstance(other, S3Store)
    assert other._client.meta.config.response_checksum_validation == "when_required"


@pytest.mark.parametrize(
    "uri",
    [
        "",
        " ",
        "gs://bucket",
        "s3://",
        "s3://bucket/../other",
        "s3://key:secret@bucket/p",
        "s3://bucket?endpoint=http://elsewhere",
        "s3://bucket?checksums=never",
        "file://server/share",
        "file:",
    ],
)
def test_a_uri_that_names_no_store_says_what_to_write(uri: str) -> None:
    with pytest.raises(StoreError, match=r"s3://|file:|use one of|relative path"):
        open_store(uri)


def test_a_file_store_needs_no_boto3_and_opening_one_no_pydantic(tmp_path: Path) -> None:
    script = (
        "import sys; from clt_operator.store import open_store; open_store(sys.argv[1]).probe(); "
        "print(sorted({'boto3', 'botocore', 'pydantic', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
