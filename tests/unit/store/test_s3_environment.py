"""One process, several stores: each by its own variables, none by another's."""

import gc
import socket
import threading
import weakref
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from clt_operator.api.errors import StoreError, TransientError
from clt_operator.store import open_store, s3_client
from clt_operator.store.s3 import S3Store

GIVEN = {
    "AWS_ENDPOINT_URL": "http://one.example:7070",
    "AWS_REGION": "eu-1",
    "AWS_ACCESS_KEY_ID": "one",
    "AWS_SECRET_ACCESS_KEY": "of-one",
    "AWS_SESSION_TOKEN": "for-now",
    "AWS_MAX_ATTEMPTS": "2",
    "CLT_S3_CHECKSUMS": "when_required",
}


@pytest.fixture(autouse=True)
def _process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://process.example")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "process-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "process")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-process")
    monkeypatch.setenv("CLT_S3_CHECKSUMS", "when_supported")


def client(environment: dict[str, str] | None) -> Any:
    store = open_store("s3://bucket/p", environment)
    assert isinstance(store, S3Store)
    return store._client


def credentials(made: Any) -> tuple[str, str, str | None]:
    found = made._request_signer._credentials.get_frozen_credentials()
    return found.access_key, found.secret_key, found.token


def test_given_variables_decide_everything() -> None:
    made = client(GIVEN)
    assert made.meta.endpoint_url == "http://one.example:7070"
    assert made.meta.region_name == "eu-1"
    assert credentials(made) == ("one", "of-one", "for-now")
    assert made.meta.config.request_checksum_calculation == "when_required"
    assert made.meta.config.retries["total_max_attempts"] == 2


def test_promise_least_privilege_nothing_of_the_process_reaches_a_store_with_its_own() -> None:
    keys = {name: GIVEN[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    made = client(keys)
    assert made.meta.endpoint_url.endswith("amazonaws.com")
    assert made.meta.region_name == "us-east-1"
    assert credentials(made) == ("one", "of-one", None)


def test_without_keys_the_identity_of_the_process_is_used() -> None:
    made = client({"AWS_ENDPOINT_URL": "http://two.example"})
    assert made.meta.endpoint_url == "http://two.example"
    assert credentials(made) == ("process", "of-process", None)


def test_without_an_environment_the_process_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    made = client(None)
    assert made.meta.endpoint_url == "http://process.example"
    assert made.meta.region_name == "process-1"
    assert credentials(made) == ("process", "of-process", None)
    monkeypatch.setenv("AWS_REGION", "newer-1")
    assert client(None).meta.region_name == "newer-1"


def test_stores_with_the_same_variables_share_one_client() -> None:
    stores = [open_store(f"s3://bucket-{n}/team-{n}", dict(GIVEN)) for n in range(20)]
    assert len({id(store._client) for store in stores}) == 1  # type: ignore[attr-defined]
    assert len({store.uri for store in stores}) == 20


def test_what_makes_a_client_another_is_not_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    keyless = {"AWS_ENDPOINT_URL": "http://two.example"}
    stores = [
        open_store("s3://bucket/p", GIVEN),
        open_store("s3://bucket/p", GIVEN | {"AWS_SECRET_ACCESS_KEY": "rotated"}),
        open_store("s3://bucket/p", GIVEN, hasty=True),
        open_store("s3://bucket/p?checksums=when_supported", GIVEN),
        open_store("s3://bucket/p", GIVEN, observer=lambda _: None),
        open_store("s3://bucket/p", GIVEN, observer=lambda _: None),
        open_store("s3://bucket/p", keyless),
    ]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another process")
    stores.append(open_store("s3://bucket/p", keyless))
    assert len({id(store._client) for store in stores}) == 8  # type: ignore[attr-defined]


def test_a_client_goes_with_the_last_store_that_uses_it() -> None:
    given = GIVEN | {"AWS_ACCESS_KEY_ID": "of nobody else"}
    stores = [open_store(f"s3://bucket/{n}", given) for n in range(2)]
    client = weakref.ref(stores[0]._client)  # type: ignore[attr-defined]
    del stores[0]
    gc.collect()
    assert client() is not None
    del stores[0]
    gc.collect()
    assert client() is None


def test_half_a_pair_of_keys_is_no_credential() -> None:
    with pytest.raises(StoreError, match="AWS_SECRET_ACCESS_KEY is missing"):
        client({"AWS_ACCESS_KEY_ID": "one"})


@pytest.mark.parametrize("tries", ["many", "0", "-1"])
def test_a_number_of_tries_that_is_none_is_refused(tries: str) -> None:
    with pytest.raises(StoreError, match="AWS_MAX_ATTEMPTS"):
        client(GIVEN | {"AWS_MAX_ATTEMPTS": tries})


def test_a_directory_needs_no_environment(tmp_path: Any) -> None:
    assert open_store(str(tmp_path), GIVEN).uri == f"file://{tmp_path}"


@pytest.fixture
def silent() -> Iterator[tuple[str, list[socket.socket]]]:
    """The address of a server that accepts connections and says nothing, and those it has."""
    accepted: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    accepted.append(server.accept()[0])

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", accepted
        server.shutdown(socket.SHUT_RDWR)
    for connection in accepted:
        connection.close()


def test_a_hasty_store_gives_a_silent_server_up_after_its_tries_and_no_more(
    monkeypatch: pytest.MonkeyPatch, silent: tuple[str, list[socket.socket]]
) -> None:
    monkeypatch.setattr(s3_client, "HASTY_READ_TIMEOUT", 0.05)
    address, accepted = silent
    given = {n: GIVEN[n] for n in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    store = open_store("s3://bucket/p", given | {"AWS_ENDPOINT_URL": address}, hasty=True)
    with pytest.raises(TransientError):
        store.get("a")
    assert len(accepted) == s3_client.HASTY_TRIES
