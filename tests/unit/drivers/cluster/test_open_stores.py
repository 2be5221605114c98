"""Stores that an operator has open: one client for all addresses, and none longer than needed."""

import gc

import pytest
from unit.resolve.conftest import FakeHub

from clt_operator.api.errors import InputError, StoreError
from clt_operator.api.profiles import Settings, StoreProfile
from clt_operator.drivers.cluster.accept import _hub
from clt_operator.drivers.cluster.installation import KEEP, OpenStores

PROFILE = StoreProfile(
    uri="s3://bucket/{namespace}", environment={"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
)
TOKEN = "hf_of-the-platform-team"  # noqa: S105


@pytest.fixture
def now():
    return [0.0]


@pytest.fixture
def stores(tmp_path, now):
    rotate(tmp_path, "first-key")
    return OpenStores(tmp_path / "stores", tmp_path / "endpoints", clock=lambda: now[0])


def rotate(tmp_path, key):
    folder = tmp_path / "stores" / "main"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "AWS_ACCESS_KEY_ID").write_text("id")
    (folder / "AWS_SECRET_ACCESS_KEY").write_text(key)


def settings(namespace="a", **more):
    return Settings("", namespace, PROFILE.within(namespace), store_name="main", **more)


def clients(stores):
    gc.collect()
    return {id(artifacts.store._client) for artifacts in stores._open.values()}


def test_the_addresses_of_all_namespaces_share_one_client(stores):
    opened = [stores.open(settings(f"team-{n}")) for n in range(20)]
    assert len(clients(stores)) == 1
    assert opened == [stores.open(settings(f"team-{n}")) for n in range(20)]


def test_a_rotated_key_replaces_and_does_not_add(stores, tmp_path):
    for turn in range(5):
        rotate(tmp_path, f"key-number-{turn}")
        for namespace in ("a", "b"):
            stores.open(settings(namespace))
        assert len(stores._kept) == 2
        assert len(clients(stores)) == 1
    assert stores.redact("key-number-4") == "[redacted]"


def test_a_store_that_a_study_holds_stays_the_same_however_long(stores, now):
    held = stores.open(settings("a"))
    now[0] += KEEP + 1
    stores.open(settings("b"))
    assert len(stores._kept) == 1
    assert stores.open(settings("a")) is held


def test_a_store_that_nobody_asks_for_any_more_is_let_go(stores, now):
    stores.open(settings("a"))
    now[0] += KEEP + 1
    stores.open(settings("b"))
    gc.collect()
    assert [uri for uri, _ in stores._open] == ["s3://bucket/b"]


# the token for a hub


@pytest.fixture
def hub(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_of-this-process")
    made = FakeHub()
    yield made
    made.close()


def token_of(tmp_path, endpoint, token=TOKEN):
    (tmp_path / "endpoints" / endpoint).mkdir(parents=True)
    (tmp_path / "endpoints" / endpoint / "HF_TOKEN").write_text(token + "\n")


def asked(stores, found, hub):
    _hub(found, stores).look_up("models", "org/m")
    return hub.asked[-1][1]


def test_promise_least_privilege_a_hub_is_sent_the_token_of_its_own_profile(stores, tmp_path, hub):
    hub.holds("models", "org/m", sha="c")
    token_of(tmp_path, "ours")
    ours, other = (settings(hub_address=hub.url, hub_name=name) for name in ("ours", "other"))
    assert asked(stores, ours, hub) == f"Bearer {TOKEN}"
    assert asked(stores, other, hub) is None  # neither another's nor that of the process
    assert stores.redact(f"sent {TOKEN}") == "sent [redacted]"


def test_without_a_profile_the_process_asks_its_own_hub_by_its_own_token(stores, hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    hub.holds("models", "org/m", sha="c")
    assert asked(stores, settings(), hub) == "Bearer hf_of-this-process"


def test_a_repository_that_is_closed_says_which_file_opens_it(stores, hub):
    with pytest.raises(InputError, match="from the file ours/HF_TOKEN below --endpoint-cred"):
        asked(stores, settings(hub_address=hub.url, hub_name="ours"), hub)


def test_a_token_that_cannot_be_one_is_told_unsaid(stores, tmp_path):
    token_of(tmp_path, "ours", "two\nlines")
    with pytest.raises(StoreError, match="ours/HF_TOKEN must be one line") as raised:
        stores.hub_token(settings(hub_name="ours"))
    assert "two" not in str(raised.value)
