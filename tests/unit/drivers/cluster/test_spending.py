"""GPU-hours: exact where a budget or a price makes them matter, else carried on from the status."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from support.specs import small_spec

from clt_operator.api.kinds.fetch import FetchParams, RowsRequest
from clt_operator.api.profiles import PoolProfile, Settings, StoreProfile
from clt_operator.api.spec.experiment import ExperimentSpec
from clt_operator.api.step import Graph, Outcome, Work, make_step
from clt_operator.drivers.cluster.spending import Spending
from clt_operator.drivers.view import View
from clt_operator.store.artifacts import Artifacts
from clt_operator.store.file import FileStore

ROWS = RowsRequest(format="hf", language="en", name="org/rows", digest="abc")
STEP = make_step(Work(FetchParams(rows=ROWS)), ())
GRAPH = Graph({STEP.key: STEP}, (STEP.key,))


@pytest.fixture
def view(tmp_path):
    """A store in which the step took an hour."""
    artifacts = Artifacts(FileStore(tmp_path))
    artifacts.claim(STEP.key, "pod:x", "2026-01-01T00:00:00Z")
    artifacts.record_outcome(
        Outcome(key=STEP.key, attempt=1, outcome="failed", ended_at="2026-01-01T01:00:00Z")
    )
    return View(artifacts, GRAPH)


def spending(view, *, before=0.0, price=0.0, **compute):
    """Of a study whose data steps run on two GPUs."""
    given = {"data": {"gpus": 2, "pool": "gpu"}, **compute}
    spec = ExperimentSpec.model_validate({**small_spec(), "compute": given})
    pools = {"": PoolProfile(), "gpu": PoolProfile(gpu_hour_price=price)}
    settings = Settings("x", "lab", StoreProfile(uri="s3://b"), pools=pools)
    made = Spending(spec, settings, GRAPH, before)
    with ThreadPoolExecutor(1) as pool:
        made.load(view, pool)
    return made


@pytest.mark.parametrize("given", [{"price": 3.0}, {"budget": {"gpuHours": 10}}])
def test_what_matters_is_counted_from_the_store_whatever_the_status_said(view, given):
    found = spending(view, before=50.0, **given)
    assert found.gpu_hours() == 2.0
    assert not found.wants("fetch")


def test_what_does_not_matter_goes_on_from_the_status_and_reads_nothing(view):
    found = spending(view, before=50.0)
    assert found.gpu_hours() == 50.0
    assert found.wants("fetch")
    found.add("fetch", 1800.0)
    assert found.gpu_hours() == 51.0


def test_kinds_without_gpus_are_not_asked_for(view):
    assert not spending(view).wants("score")
