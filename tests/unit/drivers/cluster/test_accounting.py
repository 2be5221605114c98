"""Every attempt that ended is counted once, with what its outcome says, and beside the work."""

import pytest

from clt_operator.api.errors import StoreError
from clt_operator.api.step import Outcome
from clt_operator.drivers.cluster import accounting
from clt_operator.drivers.cluster.accounting import Accounting, Ended
from clt_operator.store.artifacts import Artifacts
from clt_operator.store.file import FileStore

KEY = "a" * 64
BEGAN, OVER = "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"


@pytest.fixture
def artifacts(tmp_path):
    return Artifacts(FileStore(tmp_path))


@pytest.fixture
def noted():
    return []


@pytest.fixture
def accounts(noted):
    made = Accounting(lambda ended, outcome, seconds: noted.append((outcome, seconds)), again=0.0)
    yield made
    made.stop()


def end(artifacts, outcome="committed", began=BEGAN, **figures):
    claim = artifacts.claim(KEY, "pod:x", BEGAN)
    said = Outcome(
        key=KEY, attempt=claim.attempt, outcome=outcome, started_at=began, ended_at=OVER,
        figures=figures,
    )  # fmt: skip
    artifacts.record_outcome(said)
    return claim.attempt


def ended(artifacts, attempt=1, **more):
    given = {"old": {}, "outcome": "committed", **more}
    return Ended(("lab", "study"), "u", "train", KEY, attempt, artifacts=artifacts, **given)


def test_an_outcome_is_told_with_its_figures_and_its_time(artifacts, accounts, noted):
    end(artifacts, store_retries=3)
    accounts.read(ended(artifacts))
    ((outcome, seconds),) = noted
    assert (outcome.outcome, outcome.figures, seconds) == ("committed", {"store_retries": 3}, 3600)


def test_attempts_that_nobody_was_told_of_are_counted_with_the_last(artifacts, accounts, noted):
    end(artifacts, "saved")
    end(artifacts)
    accounts.read(ended(artifacts, attempt=2))
    assert [outcome.outcome for outcome, _ in noted] == ["saved", "committed"]


def test_attempts_that_ended_before_the_first_look_are_not_counted(artifacts, accounts, noted):
    end(artifacts, "failed")
    end(artifacts)
    accounts.read(ended(artifacts, attempt=2, old={KEY: 1}))
    assert [outcome.outcome for outcome, _ in noted] == ["committed"]


def test_the_same_ending_told_twice_counts_once(artifacts, accounts, noted):
    end(artifacts)
    told = ended(artifacts)
    accounts.read(told)
    accounts.read(told)
    assert len(noted) == 1


class Away:
    """A store that does not answer the first times."""

    def __init__(self, artifacts, times):
        self._artifacts, self.left = artifacts, times

    def outcome(self, key, attempt):
        if self.left:
            self.left -= 1
            raise StoreError("away")
        return self._artifacts.outcome(key, attempt)


def test_a_store_that_is_away_is_asked_again(artifacts, accounts, noted):
    end(artifacts, store_retries=1)
    accounts.start()
    accounts.add(ended(Away(artifacts, 2)))
    assert until(lambda: noted)
    assert noted[0][0].figures == {"store_retries": 1}


def test_an_outcome_that_never_comes_counts_as_what_was_seen(
    artifacts, accounts, noted, monkeypatch
):
    monkeypatch.setattr(accounting, "TRIES", 1)
    accounts.start()
    accounts.add(ended(artifacts, outcome="lost"))
    assert until(lambda: noted)
    assert (noted[0][0].outcome, noted[0][1]) == ("lost", None)


def test_gpu_time_is_counted_from_the_claim_where_the_runner_said_nothing(
    artifacts, accounts, noted
):
    spent = []
    end(artifacts, "lost", began="")
    accounts.read(ended(artifacts, spend=lambda kind, seconds: spent.append((kind, seconds))))
    assert spent == [("train", 3600.0)]


def until(found, seconds=20.0):
    import threading
    import time

    end = time.monotonic() + seconds
    while not found() and time.monotonic() < end:
        threading.Event().wait(0.01)
    return found()
