"""The stores that the one suite runs against: a directory, moto, and a real gateway."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer
from services import versitygw

from clt_operator.store import open_store
from clt_operator.store.protocol import ObjectStore

BUCKET = "studies"


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[versitygw.Gateway]:
    binary = versitygw.built_or_skipped()
    with versitygw.running(binary, tmp_path_factory.mktemp("versitygw")) as running:
        running.make_bucket(BUCKET)
        yield running


@pytest.fixture(scope="session")
def moto_endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "s", "region_name": "us-east-1"}
    boto3.client("s3", endpoint_url=endpoint, **keys).create_bucket(Bucket=BUCKET)
    yield endpoint
    server.stop()


@pytest.fixture(params=["file", "moto", "versitygw"])
def store_uri(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """An empty place in each store; the environment says how to reach it (children too)."""
    if request.param == "file":
        return f"file://{tmp_path}/store"
    if request.param == "versitygw":
        environment = request.getfixturevalue("gateway").environment
    else:
        environment = {
            "AWS_ENDPOINT_URL": request.getfixturevalue("moto_endpoint"),
            "AWS_ACCESS_KEY_ID": "a",
            "AWS_SECRET_ACCESS_KEY": "s",
            "AWS_REGION": "us-east-1",
        }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{uuid.uuid4().hex}"


@pytest.fixture
def store(store_uri: str) -> ObjectStore:
    return open_store(store_uri)
