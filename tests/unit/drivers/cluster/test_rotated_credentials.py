"""A study under way follows credentials that were replaced, without a restart."""

from types import SimpleNamespace

import pytest

from clt_operator.api.errors import StoreError
from clt_operator.drivers.cluster import study as study_module
from clt_operator.drivers.cluster.study import Study

ITEM = {"metadata": {"name": "study", "namespace": "lab", "uid": "u", "generation": 1}}


class Stores:
    def __init__(self):
        self.now = object()

    def open(self, settings):
        return self.now


class Accepting(Exception):
    """The study opens its store again."""


@pytest.fixture
def stores():
    return Stores()


@pytest.fixture
def study(stores, monkeypatch):
    """One that is under way, and whose store refuses the credentials that it holds."""
    shop = SimpleNamespace(
        stores=stores,
        installation=lambda: "installation",
        queues=None,
        publish=None,
        events=None,
        leads=None,
        clock=lambda: 0.0,
    )
    made = Study(shop, "lab", "study")
    accepted = SimpleNamespace(settings="settings", artifacts=stores.now)
    made.uid, made.driven = "u", SimpleNamespace(accepted=accepted)
    made.stamp = ("u", 1, study_module.handled_of(ITEM), "installation")

    def refused(*_):
        raise StoreError("InvalidAccessKeyId")

    def accept(*_):
        raise Accepting

    monkeypatch.setattr(made, "_move", refused)
    monkeypatch.setattr(made, "_degrade", lambda *_: None)
    monkeypatch.setattr(study_module, "accept", accept)
    return made


def test_a_changed_credential_is_seen_at_the_look_after_the_old_one_failed(study, stores):
    stores.now = object()
    with pytest.raises(StoreError):
        study.tick(ITEM)
    for _ in range(2):  # and again where that fails
        with pytest.raises(Accepting):
            study.tick(ITEM)


def test_a_store_that_fails_by_the_same_credentials_is_not_accepted_again(study):
    for _ in range(2):
        with pytest.raises(StoreError):
            study.tick(ITEM)
