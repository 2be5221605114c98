"""What the driver makes of the store: who holds what, and what is new."""

from typing import ClassVar

import pytest

from clt_operator.api.base import Params
from clt_operator.api.step import Graph, Input, Manifest, Outcome, Work, make_step
from clt_operator.drivers.endings import Endings
from clt_operator.drivers.process import this_host, this_process
from clt_operator.drivers.view import FRESH, View
from clt_operator.store import open_store
from clt_operator.store.artifacts import Artifacts

THEN = "2026-01-01T00:00:00Z"
EPOCH = 1767225600.0  # of THEN


class Probe(Params):
    kind: ClassVar[str] = "probe"
    name: str


ROWS = make_step(Work(Probe(name="rows")), ())
REPORT = make_step(Work(Probe(name="report")), (Input("rows", ROWS.key, "out"),))
GRAPH = Graph({ROWS.key: ROWS, REPORT.key: REPORT}, (REPORT.key,))


@pytest.fixture
def artifacts(tmp_path) -> Artifacts:
    return Artifacts(open_store(str(tmp_path / "store")))


def commit(artifacts, key, attempt=1):
    assert artifacts.commit(Manifest(key=key, kind="probe", attempt=attempt, outputs={}))


def holder(artifacts, text, at=EPOCH):
    artifacts.claim(ROWS.key, text, THEN)
    view = View(artifacts, GRAPH, clock=lambda: at)
    view.load()
    (state,) = view.attempts[ROWS.key]
    return view, state


def test_a_process_of_this_host_is_asked_itself(artifacts):
    view, state = holder(artifacts, str(this_process()), at=EPOCH + 10 * FRESH)
    assert view.holder_of(state) == "alive"


def test_a_process_of_this_host_that_is_gone_is_gone_at_once(artifacts):
    view, state = holder(artifacts, f"local:{this_host()}:{2**22 + 1}:1")
    assert view.holder_of(state) == "gone"


@pytest.mark.parametrize("text", ["local:elsewhere:1:1", "pod:1234"])
@pytest.mark.parametrize(("later", "expected"), [(FRESH - 1, "alive"), (FRESH + 1, "gone")])
def test_elsewhere_the_claim_itself_vouches_for_a_while(artifacts, text, later, expected):
    view, state = holder(artifacts, text, at=EPOCH + later)
    assert view.holder_of(state) == expected


def test_elsewhere_a_heartbeat_vouches_for_its_process(artifacts):
    view, state = holder(artifacts, "pod:1234")
    artifacts.write_progress(state.claim, {"done": 1})
    written = artifacts.progress(ROWS.key, 1)[1]
    view._clock = lambda: written + FRESH - 1
    assert view.holder_of(state) == "alive"
    view._clock = lambda: written + FRESH + 1
    assert view.holder_of(state) == "gone"


def test_refresh_says_whether_something_is_new(artifacts):
    view = View(artifacts, GRAPH)
    view.load()
    view.refresh(ROWS.key)
    assert not view.refresh(ROWS.key)
    claim = artifacts.claim(ROWS.key, "pod:1", THEN)
    assert view.refresh(ROWS.key)
    artifacts.record_outcome(Outcome(key=ROWS.key, attempt=claim.attempt, outcome="failed"))
    assert view.refresh(ROWS.key)
    artifacts.claim(ROWS.key, "pod:2", THEN)
    commit(artifacts, ROWS.key, attempt=2)
    assert view.refresh(ROWS.key)
    assert view.committed == {ROWS.key}


def test_promise_nothing_is_forgotten_of_a_commit_whose_process_died_after_it(artifacts):
    gone = f"local:{this_host()}:{2**22 + 1}:1"
    artifacts.claim(ROWS.key, gone, THEN)
    artifacts.claim(ROWS.key, gone, THEN)
    commit(artifacts, ROWS.key, attempt=2)
    view = View(artifacts, GRAPH)
    view.load()
    Endings(view, str).settle()
    found = [s.outcome.outcome for s in artifacts.attempts(ROWS.key)]
    assert found == ["lost", "committed"]


def test_an_artifact_that_was_removed_is_forgotten(artifacts):
    artifacts.claim(ROWS.key, "pod:1", THEN)
    commit(artifacts, ROWS.key)
    view = View(artifacts, GRAPH)
    view.load()
    artifacts.store.delete([f"committed/{ROWS.key}.json"])
    view.look_for_removed()
    assert view.committed == set()
