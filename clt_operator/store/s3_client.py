"""The S3 client of a store: by this process's environment, or by variables that are given.

The second is for a process that serves several stores: endpoint and region of one must never
become those of another, nor the credentials of one be shown to another's endpoint. Bucket and
prefix are no part of a client: stores with the same variables share one while any of them is in
use. A client alone takes 12 MiB, nearly all of it what botocore reads of the API; that is read
once for all.
"""

import os
import threading
import weakref
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import boto3.session
import botocore.session
from botocore.config import Config
from botocore.loaders import create_loader

from clt_operator.api.errors import StoreError
from clt_operator.store.s3_errors import as_store_errors

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

CHECKSUMS = ("when_supported", "when_required")
# Requests in all, botocore's retries included; AWS_MAX_ATTEMPTS overrides.
TRIES, HASTY_TRIES = 6, 3
CONNECT_TIMEOUT = 10.0  # seconds
READ_TIMEOUT, HASTY_READ_TIMEOUT = 60.0, 15.0  # seconds without a byte
REGION = "us-east-1"  # that S3 signs with where none is named

_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")

_LOADER = create_loader()
_MAKING = threading.Lock()  # clients are safe to share between threads, making them is not
_SHARING = threading.Lock()
_SHARED: "weakref.WeakValueDictionary[tuple[object, ...], S3Client]" = weakref.WeakValueDictionary()


def shared_client(
    uri: str, checksums: str, environment: Mapping[str, str], *, hasty: bool = False
) -> "S3Client":
    """The client of all stores with these variables; raises as ``make_client``. Nobody may
    register anything with it: it would concern the other stores too."""
    identity = [] if all(environment.get(name) for name in _KEYS) else _own_identity()
    key = (tuple(sorted(environment.items())), tuple(identity), checksums, hasty)
    with _SHARING:
        client = _SHARED.get(key)
        if client is None:
            client = _SHARED[key] = make_client(uri, checksums, environment, hasty=hasty)
        return client


def _own_identity() -> list[tuple[str, str]]:
    return sorted(item for item in os.environ.items() if item[0].startswith("AWS_"))


def make_client(
    uri: str, checksums: str, environment: Mapping[str, str] | None, *, hasty: bool = False
) -> "S3Client":
    """A client for the store. Raises StoreError where what is given makes none.

    ``environment`` alone decides endpoint, region, certificates, checksums and tries. Where it
    holds no keys, the identity of this process is used (a role, its own variables).
    """
    given: Mapping[str, str] = os.environ if environment is None else environment
    checksums = checksums or given.get("CLT_S3_CHECKSUMS", "")
    options: dict[str, Any] = {}
    if checksums:
        if checksums not in CHECKSUMS:
            raise StoreError(f"S3 checksums {checksums!r}: use one of {', '.join(CHECKSUMS)}")
        options["request_checksum_calculation"] = checksums
        options["response_checksum_validation"] = checksums
    if environment is not None:
        options["ignore_configured_endpoint_urls"] = True
    config = Config(
        retries={"mode": "standard", "total_max_attempts": _tries(given, hasty=hasty)},
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=HASTY_READ_TIMEOUT if hasty else READ_TIMEOUT,
        max_pool_connections=32,
        user_agent=f"clt/{_version()} boto3/{boto3.__version__}",  # else made anew a request
        **options,
    )
    named = {} if environment is None else _named(uri, environment)
    region = given.get("AWS_REGION") or given.get("AWS_DEFAULT_REGION")
    if environment is not None:
        region = region or REGION
    with as_store_errors(uri, ""), _MAKING:
        return _session(region).client("s3", config=config, **named)


def _session(region: str | None) -> boto3.session.Session:
    """A Session of its own, which knows the API from the loader of all."""
    core = botocore.session.get_session()
    core.register_component("data_loader", _LOADER)
    session = boto3.session.Session(region_name=region, botocore_session=core)
    paths = _LOADER.search_paths
    paths[:] = dict.fromkeys(paths)  # each Session adds the same folder
    return session


def _tries(given: Mapping[str, str], *, hasty: bool) -> int:
    text = given.get("AWS_MAX_ATTEMPTS", "")
    if text and not (text.isascii() and text.isdigit() and int(text)):
        raise StoreError(f"AWS_MAX_ATTEMPTS is {text!r}, must be a whole number from 1")
    return int(text or (HASTY_TRIES if hasty else TRIES))


def _named(uri: str, given: Mapping[str, str]) -> dict[str, Any]:
    """Endpoint, certificates and credentials as arguments: these win over all else."""
    missing = [name for name in _KEYS if not given.get(name)]
    if len(missing) == 1:
        raise StoreError(f"store {uri!r}: {missing[0]} is missing beside its other half")
    named: dict[str, Any] = {
        "endpoint_url": given.get("AWS_ENDPOINT_URL_S3") or given.get("AWS_ENDPOINT_URL"),
        "verify": given.get("AWS_CA_BUNDLE"),
    }
    if not missing:
        named["aws_access_key_id"], named["aws_secret_access_key"] = (given[n] for n in _KEYS)
        named["aws_session_token"] = given.get("AWS_SESSION_TOKEN")
    return {name: value for name, value in named.items() if value}


def _version() -> str:
    try:
        return version("clt")
    except PackageNotFoundError:  # run from a source tree
        return "source"
