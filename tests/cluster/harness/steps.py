"""Steps and their Jobs without a planner: for tests of the harness and of the cluster edge."""

from collections.abc import Sequence

from cluster.harness.client import Client, Json
from cluster.harness.store import Store

from clt_operator.api.kinds.fetch import FetchParams, RowsRequest
from clt_operator.api.profiles import Settings, StoreProfile
from clt_operator.api.spec.compute import ComputeSpec
from clt_operator.api.step import Step, StepDocument, Work, make_step
from clt_operator.render.job import render_batch


def fetch_steps(count: int) -> list[Step]:
    """Steps that read nothing, each of a key of its own."""
    requests = (
        RowsRequest(format="hf", language="en", name=f"org/{at}", digest="abc")
        for at in range(count)
    )
    return [make_step(Work(FetchParams(rows=rows)), (), {"language": "en"}) for rows in requests]


def job_of(
    steps: Sequence[Step],
    namespace: str,
    store: Store,
    *,
    queue: str = "",
    image: str = "clt-jobs:test",
    secret: str = "",
    pool: str = "cpu",
) -> Json:
    """The Job that carries these steps, as the operator would make it."""
    profile = StoreProfile(uri=store.uri, secret=secret, environment=dict(store.plain_environment))
    settings = Settings(image=image, namespace=namespace, store=profile)
    compute = ComputeSpec.model_validate({"data": {"pool": pool}, "queue": queue})
    (job,) = render_batch(steps, compute, settings)
    return job


def launch(client: Client, store: Store, job: Json, steps: Sequence[Step]) -> str:
    """Stores the documents of the steps, then makes the Job; its name."""
    for step in steps:
        store.artifacts.put_document(StepDocument.of(step))
    namespace = job["metadata"]["namespace"]
    client.create(f"/apis/batch/v1/namespaces/{namespace}/jobs", job)
    return str(job["metadata"]["name"])
