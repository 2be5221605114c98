"""Jobs are made in the order of their urgency, and never hold up what a finished Job lets begin."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from clt_operator.api.kinds.fetch import FetchParams, RowsRequest
from clt_operator.api.profiles import Owner, PoolProfile, Settings, StoreProfile
from clt_operator.api.spec.compute import ComputeSpec
from clt_operator.api.step import Graph, Work, make_step
from clt_operator.drivers.cluster.jobs import AT_LEAST, StudyJobs
from clt_operator.drivers.cluster.ownership import Ownership
from clt_operator.drivers.cluster.view import ClusterView
from clt_operator.reconcile import Launch
from clt_operator.store import layout
from clt_operator.store.artifacts import Artifacts
from clt_operator.store.file import FileStore

COUNT = 2 * AT_LEAST
DONE = {
    "metadata": {"name": "done", "uid": "u0"},
    "spec": {"template": {"spec": {"containers": [{"args": []}]}}},
}


class Quiet:
    """A world without Jobs, in which ``ended`` finished so far."""

    ended = 0

    def endings(self, _: str) -> int:
        return self.ended

    def jobs(self, _: str) -> list:
        return []

    def gone(self, _: str) -> bool:
        return False


class Recorder:
    """Says what was asked of the API server, in order."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def create(self, _: object, body: dict, **_options: object) -> dict:
        self.asked.append(("create", body["metadata"]["name"]))
        return {"metadata": {"name": body["metadata"]["name"], "uid": f"u{len(self.asked)}"}}

    def delete(self, _: object, name: str, **_options: object) -> bool:
        self.asked.append(("delete", name))
        return True

    def verbs(self) -> list[str]:
        return [verb for verb, _ in self.asked]


def step(number: int):
    rows = RowsRequest(format="hf", language="en", name=f"org/{number}", digest="abc")
    return make_step(Work(FetchParams(rows=rows)), ())


@pytest.fixture
def jobs(tmp_path):
    steps = [step(number) for number in range(COUNT)]
    graph = Graph({s.key: s for s in steps}, (steps[-1].key,))
    world, api = Quiet(), Recorder()
    view = ClusterView(Artifacts(FileStore(tmp_path)), graph, world)
    settings = Settings(
        image="x", namespace="lab", store=StoreProfile(uri="s3://b"), pools={"": PoolProfile()}
    )
    with ThreadPoolExecutor(1) as pool:
        yield StudyJobs(
            api=api,
            world=world,
            namespace="lab",
            ownership=Ownership(api, "lab", Owner("study", "u"), lambda: True),
            settings=settings,
            compute=ComputeSpec(),
            view=view,
            redact=str,
            pool=pool,
        )


def launches(jobs, each: int = 1) -> list[Launch]:
    keys = list(jobs.view.graph.steps)
    return [Launch(tuple(keys[at : at + each])) for at in range(0, COUNT, each)]


def documents(jobs) -> set[str]:
    found = jobs.view.artifacts.store.list(layout.DOCUMENTS)
    return {layout.key_of(info.name) for info in found}


def test_all_are_made_where_nothing_ends(jobs):
    jobs.look()
    assert jobs.launch(launches(jobs)) == ([], 0)
    assert jobs.created == COUNT
    assert documents(jobs) == set(jobs.view.graph.steps)


def test_a_job_that_ends_meanwhile_leaves_the_rest_to_the_next_look(jobs):
    jobs.look()
    jobs.world.ended += 1
    assert jobs.launch(launches(jobs)) == ([], COUNT - AT_LEAST)
    assert jobs.created == AT_LEAST
    jobs.look()
    assert jobs.launch(launches(jobs)[AT_LEAST:]) == ([], 0)


def test_finished_jobs_go_after_their_successors_were_asked_for(jobs):
    jobs.over = [DONE]
    jobs.launch(launches(jobs))
    jobs.let_go()
    assert jobs.api.verbs() == ["create"] * COUNT + ["delete"]
    assert jobs.settled == {"u0"}


def test_finished_jobs_go_where_nothing_follows(jobs):
    jobs.over = [DONE]
    jobs.let_go()
    jobs.let_go()
    assert jobs.api.asked == [("delete", "done")]


def test_documents_are_stored_ahead_and_before_a_further_attempt_again(jobs):
    keys = list(jobs.view.graph.steps)
    jobs.ahead = keys[:3]
    jobs.prepare()
    assert documents(jobs) == set(keys[:3])
    assert jobs.ahead == []
    store = jobs.view.artifacts.store
    store.delete([layout.document(keys[0]), layout.document(keys[1])])
    jobs.view.attempts[keys[0]] = [object()]
    jobs.launch([Launch((keys[0],)), Launch((keys[1],))])
    assert documents(jobs) == {keys[0], keys[2]}


def test_documents_are_stored_ahead_a_few_at_a_time(jobs, monkeypatch):
    monkeypatch.setattr("clt_operator.drivers.cluster.jobs.SOME", 5)
    jobs.ahead = list(jobs.view.graph.steps)[::-1]
    jobs.prepare()
    assert documents(jobs) == set(list(jobs.view.graph.steps)[:5])


def test_every_document_of_a_large_job_is_there_before_it(jobs):
    jobs.launch(launches(jobs, each=16))
    assert documents(jobs) == set(jobs.view.graph.steps)
    assert jobs.created == COUNT // 16
