"""S3 and what speaks its protocol, through boto3: the other object store.

Everything rests on ``PutObject`` with ``If-None-Match: *``. Where an answer is lost, botocore
sends the request again, and that one finds the object of the first; a token in the object's
metadata tells the writer that it was its own.
"""

import random
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from boto3.s3.transfer import TransferConfig
from botocore import exceptions as boto

from clt_operator.api.errors import StoreError, TransientError
from clt_operator.store.file_errors import appearing_whole, reading
from clt_operator.store.names import check_name, check_prefix
from clt_operator.store.observer import Observer
from clt_operator.store.protocol import ObjectInfo
from clt_operator.store.s3_client import make_client, shared_client
from clt_operator.store.s3_errors import (
    CONFLICT,
    EXISTS,
    as_store_errors,
    code_of,
    explain,
    retries_of,
)
from clt_operator.store.s3_observer import observe

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

CONFLICT_TRIES = 10  # 409: a concurrent write of the same name; the next try sees who won
BODY_TRIES = 4  # a broken download of a small object, which botocore does not retry
PART = 16 << 20  # bytes of a multipart upload's part; larger for objects of over 160 GB
DELETE_BATCH = 1000  # names in one request, S3's limit
WRITER = "clt-writer"  # metadata: which call of ``create`` wrote the object


class S3Store:
    """Objects below a prefix of a bucket. Safe to share between threads."""

    def __init__(
        self,
        bucket: str,
        prefix: str = "",
        *,
        checksums: str = "",
        environment: Mapping[str, str] | None = None,
        hasty: bool = False,
        client: "S3Client | None" = None,
        observer: Observer | None = None,
    ) -> None:
        self.bucket = bucket
        self.prefix = f"{check_prefix(prefix).rstrip('/')}/" if prefix else ""
        self.checksums = checksums
        if client is None and environment is not None and observer is None:
            client = shared_client(self.uri, checksums, environment, hasty=hasty)
        self._client = client or make_client(self.uri, checksums, environment, hasty=hasty)
        if observer:
            observe(self._client, observer)
        self._transfer = TransferConfig(multipart_threshold=PART, multipart_chunksize=PART)

    @classmethod
    def from_uri(
        cls,
        uri: str,
        environment: Mapping[str, str] | None = None,
        *,
        hasty: bool = False,
        observer: Observer | None = None,
    ) -> "S3Store":
        """``s3://bucket/prefix``; ``?checksums=when_required`` for stores that refuse the
        newer checksums (``CLT_S3_CHECKSUMS`` sets it for all). ``environment`` stands for the
        environment of this process."""
        parts = urlsplit(uri)
        options = dict(parse_qsl(parts.query, keep_blank_values=True))
        checksums = options.pop("checksums", "")
        if not parts.netloc or "@" in parts.netloc or parts.fragment or options:
            raise StoreError(
                f"store {uri!r}: write s3://bucket/prefix, at most with ?checksums=when_required; "
                "endpoint, region and credentials come from AWS_ENDPOINT_URL, AWS_REGION, …"
            )
        return cls(
            parts.netloc,
            parts.path.strip("/"),
            checksums=checksums,
            environment=environment,
            hasty=hasty,
            observer=observer,
        )

    @property
    def uri(self) -> str:
        query = f"?checksums={self.checksums}" if self.checksums else ""
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/") + query

    def get(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        request: dict[str, Any] = {"Bucket": self.bucket, "Key": self._key(name)}
        if length == 0:
            with as_store_errors(self.uri, name):
                self._client.head_object(**request)
            return b""
        if start or length is not None:
            request["Range"] = f"bytes={start}-{'' if length is None else start + length - 1}"
        for left in reversed(range(BODY_TRIES)):
            try:
                body = self._client.get_object(**request)["Body"]
            except boto.ClientError as error:
                if code_of(error) == "InvalidRange":  # starts at or behind the end
                    return b""
                raise explain(error, self.uri, name) from error
            except boto.BotoCoreError as error:  # botocore has tried it again already
                raise explain(error, self.uri, name) from error
            try:
                return body.read()
            except (boto.BotoCoreError, boto.IncompleteReadError) as error:
                answer = explain(error, self.uri, name)
                if not left or not isinstance(answer, TransientError):
                    raise answer from error
                _pause()
        raise AssertionError("unreachable: the last try returns or raises")

    def put(self, name: str, data: bytes, *, durable: bool = True) -> None:
        del durable  # S3 acknowledges what is durable
        with as_store_errors(self.uri, name):
            self._client.put_object(Bucket=self.bucket, Key=self._key(name), Body=data)

    def create(self, name: str, data: bytes) -> bool:
        token = uuid.uuid4().hex
        for tried in range(CONFLICT_TRIES):
            try:
                self._client.put_object(
                    Bucket=self.bucket,
                    Key=self._key(name),
                    Body=data,
                    IfNoneMatch="*",
                    Metadata={WRITER: token},
                )
            except boto.ClientError as error:
                if code_of(error) in EXISTS:
                    return (tried > 0 or retries_of(error) > 0) and self._wrote(name, token)
                if code_of(error) not in CONFLICT:
                    raise explain(error, self.uri, name) from error
                _pause()
            except boto.BotoCoreError as error:
                raise explain(error, self.uri, name) from error
            else:
                return True
        raise TransientError(
            f"creating {name} in {self.uri} met a concurrent write {CONFLICT_TRIES} times"
        )

    def upload(self, name: str, path: Path) -> None:
        with reading(path) as source, as_store_errors(self.uri, name):
            self._client.upload_fileobj(source, self.bucket, self._key(name), Config=self._transfer)

    def download(self, name: str, path: Path) -> None:
        with appearing_whole(path) as target, as_store_errors(self.uri, name):
            self._client.download_fileobj(
                self.bucket, self._key(name), target, Config=self._transfer
            )

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        return self._pages(self.prefix + check_prefix(prefix))

    def delete(self, names: Iterable[str]) -> None:
        keys = (self._key(name) for name in names)
        while batch := list(islice(keys, DELETE_BATCH)):
            with as_store_errors(self.uri, "deleted objects"):
                answer = self._client.delete_objects(
                    Bucket=self.bucket,
                    Delete={"Objects": [{"Key": key} for key in batch], "Quiet": True},
                )
            for fault in answer.get("Errors", []):
                if fault.get("Code") != "NoSuchKey":
                    raise StoreError(
                        f"cannot delete {fault.get('Key')} in {self.uri}: {fault.get('Code')} "
                        f"({fault.get('Message')})"
                    )

    def local_path(self, name: str) -> Path | None:
        check_name(name)
        return None

    def probe(self) -> None:
        name = f"probes/{uuid.uuid4().hex}"
        honoured = self.create(name, b"first") and not self.create(name, b"second")
        self.delete([name])
        if not honoured:
            raise StoreError(
                f"{self.uri} does not honour conditional writes (PutObject with "
                "If-None-Match: *): two attempts of a step could both commit; use a store "
                "that does, or a newer version of it"
            )

    def _key(self, name: str) -> str:
        return self.prefix + check_name(name)

    def _wrote(self, name: str, token: str) -> bool:
        """Whether the object under a name came from the call of ``create`` with this token."""
        with as_store_errors(self.uri, name):
            found = self._client.head_object(Bucket=self.bucket, Key=self._key(name))
        return found["Metadata"].get(WRITER) == token

    def _pages(self, prefix: str) -> Iterator[ObjectInfo]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=prefix
        )
        with as_store_errors(self.uri, prefix.removeprefix(self.prefix)):
            for page in pages:
                for item in page.get("Contents", []):
                    if not item["Key"].endswith("/"):  # a directory's marker, made by a browser
                        yield ObjectInfo(
                            item["Key"].removeprefix(self.prefix),
                            item["Size"],
                            item["LastModified"].timestamp(),
                        )


def _pause() -> None:
    time.sleep(random.uniform(0.05, 0.3))  # noqa: S311 - spreads retries, guards nothing
