"""What S3 refuses, in words that name the place and the next step.

Three ways out: the object is absent (ObjectNotFound), the fault may pass (TransientError, after
botocore's own retries), or somebody has to change something (StoreError).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore import exceptions as boto
from s3transfer.exceptions import RetriesExceededError

from clt_operator.api.errors import CltError, StoreError, TransientError
from clt_operator.store.protocol import ObjectNotFound

ABSENT = {"NoSuchKey", "NotFound", "404"}
EXISTS = {"PreconditionFailed", "412"}
CONFLICT = {"ConditionalRequestConflict", "OperationAborted", "409"}
MAY_PASS = {
    "BadDigest",
    "InternalError",
    "RequestLimitExceeded",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "XAmzContentChecksumMismatch",
}

_RIGHTS = (
    "the credentials need s3:ListBucket on the bucket and s3:GetObject, s3:PutObject, "
    "s3:DeleteObject below the prefix"
)
_KEYS = "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE) and the endpoint"
_SESSION = "the session's credentials ran out: sign in again"
_REGION = "set AWS_REGION to the bucket's region"
NEXT_STEP = {
    "NoSuchBucket": "create the bucket, or correct the store's URI",
    "InvalidBucketName": "correct the store's URI",
    "AccessDenied": _RIGHTS,
    "Forbidden": _RIGHTS,
    "403": _RIGHTS,
    "AllAccessDisabled": _RIGHTS,
    "InvalidAccessKeyId": _KEYS,
    "SignatureDoesNotMatch": _KEYS,
    "InvalidToken": _KEYS,
    "XAdminUserNotFound": _KEYS,
    "ExpiredToken": _SESSION,
    "ExpiredTokenException": _SESSION,
    "TokenRefreshRequired": _SESSION,
    "RequestTimeTooSkewed": "set this machine's clock",
    "AuthorizationHeaderMalformed": _REGION,
    "PermanentRedirect": _REGION,
    "IllegalLocationConstraintException": _REGION,
    "QuotaExceeded": "free space in the bucket, or raise its quota",
    "XMinioStorageFull": "free space in the store",
    "NotImplemented": "the store lacks an operation that is needed: use another store, or set "
    "CLT_S3_CHECKSUMS=when_required if it refuses checksums",
}

_FAULTS_OF_SETUP = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.ProfileNotFound,
    boto.SSLError,
    boto.ParamValidationError,
    boto.NoRegionError,
)


@contextmanager
def as_store_errors(uri: str, name: str) -> Iterator[None]:
    """Turns botocore's errors into ObjectNotFound, TransientError or StoreError."""
    try:
        yield
    except (boto.ClientError, boto.BotoCoreError, RetriesExceededError, ValueError) as error:
        raise explain(error, uri, name) from error


def explain(error: Exception, uri: str, name: str) -> CltError | ObjectNotFound:
    """The error that a user sees for one of S3."""
    place = f"{name or 'objects'} in {uri}"
    if not isinstance(error, boto.ClientError):
        return _without_answer(error, place)
    code, status = code_of(error), status_of(error)
    if code in ABSENT:
        return ObjectNotFound(name)
    said = error.response.get("Error", {}).get("Message", "")
    operation = error.operation_name
    message = f"{operation} of {place}: {code}{f' ({said})' if said else ''}"
    if code in MAY_PASS or status == 429 or (status >= 500 and code not in NEXT_STEP):
        return TransientError(f"{message}, after {retries_of(error)} retries")
    step = NEXT_STEP.get(code) or {401: _KEYS, 403: _RIGHTS}.get(status)
    return StoreError(f"{message}: {step}" if step else message)


def code_of(error: boto.ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def status_of(error: boto.ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def retries_of(error: boto.ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0))


def _without_answer(error: Exception, place: str) -> CltError:
    if isinstance(error, boto.NoCredentialsError | boto.PartialCredentialsError):
        return StoreError(f"no credentials for {place}: {_KEYS}")
    if isinstance(error, (*_FAULTS_OF_SETUP, ValueError)):
        return StoreError(f"cannot reach {place}: {error}")
    if isinstance(error, boto.EndpointConnectionError):
        return TransientError(f"cannot reach {place}: {error}; is AWS_ENDPOINT_URL right?")
    return TransientError(f"the connection to {place} failed: {error}")
