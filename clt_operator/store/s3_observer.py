"""The requests of an S3 client, told to an observer through botocore's events.

A request is a call of the API with botocore's own retries; parts of a large object are requests
of their own. Bytes are those of bodies as they are announced, since a body is read later.
"""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.utils import determine_content_length

from clt_operator.store.observer import Observer, Operation, Request
from clt_operator.store.s3_errors import ABSENT, CONFLICT, EXISTS

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_OPERATIONS: dict[str, Operation] = {
    "GetObject": "get",
    "PutObject": "put",
    "ListObjectsV2": "list",
    "HeadObject": "head",
    "DeleteObjects": "delete",
    "CreateMultipartUpload": "multipart",
    "UploadPart": "multipart",
    "CompleteMultipartUpload": "multipart",
    "AbortMultipartUpload": "multipart",
}
_WRITING = {"PutObject", "UploadPart"}
_ANSWERS = ABSENT | EXISTS | CONFLICT | {"InvalidRange"}  # to what was asked: no failures
_BEGAN, _BYTES = "clt_began", "clt_bytes"  # in the context that botocore keeps of a call


def observe(client: "S3Client", observer: Observer) -> None:
    """Tells an observer of every request of the client from now on."""
    events = client.meta.events
    for name, operation in _OPERATIONS.items():
        watch = _Watch(operation, observer, writes=name in _WRITING)
        events.register(f"before-call.s3.{name}", watch.begins)
        events.register(f"after-call.s3.{name}", watch.answered)
        events.register(f"after-call-error.s3.{name}", watch.unanswered)


@dataclass(frozen=True)
class _Watch:
    """The calls of one operation."""

    operation: Operation
    observer: Observer
    writes: bool

    def begins(self, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context[_BEGAN] = time.perf_counter()
        context[_BYTES] = _size(params) if self.writes else 0

    def answered(
        self, http_response: Any, parsed: dict[str, Any], context: dict[str, Any], **_: Any
    ) -> None:
        if http_response.status_code < 300:
            read = int(parsed.get("ContentLength", 0)) if self.operation == "get" else 0
            self._ended(context, read=read, written=context.get(_BYTES, 0))
        else:
            code = str(parsed.get("Error", {}).get("Code", ""))
            self._ended(context, failed=code not in _ANSWERS)

    def unanswered(self, context: dict[str, Any], **_: Any) -> None:
        self._ended(context, failed=True)

    def _ended(
        self, context: dict[str, Any], *, failed: bool = False, read: int = 0, written: int = 0
    ) -> None:
        seconds = time.perf_counter() - context.get(_BEGAN, time.perf_counter())
        retries = int(context.get("retries", {}).get("attempt", 1)) - 1
        self.observer(Request(self.operation, failed, seconds, retries, read, written))


def _size(params: dict[str, Any]) -> int:
    """The bytes of a request's body, a part of a file included."""
    return determine_content_length(params.get("body")) or 0
