"""Who wants a Job: the last one to leave deletes it."""

from typing import Any

import pytest

from clt_operator.api.profiles import Owner
from clt_operator.drivers.cluster.ownership import Ownership

ONE, TWO = Owner("one", "uid-1"), Owner("two", "uid-2")


class Recorder:
    """An API that only remembers what it was asked to write."""

    def __init__(self) -> None:
        self.patched: list[Any] = []
        self.applied: list[Any] = []
        self.deleted: list[str] = []

    def patch(self, _: object, name: str, body: Any, **rest: object) -> None:
        self.patched.append(body["metadata"])

    def apply(self, _: object, body: Any, **rest: object) -> None:
        self.applied.append(body["metadata"])

    def delete(self, _: object, name: str, **rest: object) -> None:
        self.deleted.append(name)


@pytest.fixture
def api():
    return Recorder()


def of(api, owner=ONE, leads=True):
    return Ownership(api, "ns", owner, lambda: leads)


def job(*owners, labels=None):
    return {
        "metadata": {
            "name": "clt-train",
            "uid": "job",
            "resourceVersion": "7",
            "labels": {owner.label: "true" for owner in owners} if labels is None else labels,
            "ownerReferences": [owner.reference() for owner in owners],
        }
    }


def test_a_job_that_is_ours_already_is_not_joined_again(api):
    of(api).join(job(ONE))
    assert api.applied == []


@pytest.mark.parametrize("found", [job(TWO), job(ONE, labels={})])
def test_joining_gives_reference_and_label(api, found):
    of(api).join(found)
    (written,) = api.applied
    assert written["labels"] == {ONE.label: "true"}
    assert [owner["uid"] for owner in written["ownerReferences"]] == ["uid-1"]
    assert written["uid"] == "job"


def test_the_last_owner_deletes_a_job_and_others_take_their_name_off(api):
    of(api).leave(job(ONE, TWO))
    (written,) = api.patched
    assert written["labels"] == {ONE.label: None}
    assert [owner["uid"] for owner in written["ownerReferences"]] == ["uid-2"]
    assert api.deleted == []
    of(api).leave(job(ONE))
    assert api.deleted == ["clt-train"]


def test_the_label_of_who_is_gone_goes_from_jobs_of_others_alone(api):
    gone = of(api, Owner("one"))
    gone.unmark(job(TWO))
    gone.unmark(job(ONE))
    assert api.patched == []
    gone.unmark(job(TWO, labels={ONE.label: "true", TWO.label: "true"}))
    assert [written["labels"] for written in api.patched] == [{ONE.label: None}]


def test_who_does_not_lead_writes_nothing(api):
    standby = of(api, leads=False)
    standby.join(job(TWO))
    standby.leave(job(ONE))
    standby.relabel(job(ONE), {"a": "b"})
    standby.unmark(job(TWO, labels={ONE.label: "true"}))
    assert not standby.delete(job(ONE))
    assert (api.patched, api.applied, api.deleted) == ([], [], [])
