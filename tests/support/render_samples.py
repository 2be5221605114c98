"""Steps, profiles and the manifests rendered from them, shared by tests of rendering."""

from dataclasses import replace

from clt_operator.api.kinds import (
    FetchParams,
    GenerateParams,
    ScoreParams,
    TrainParams,
)
from clt_operator.api.kinds.fetch import RowsRequest
from clt_operator.api.kinds.train import Component, Mixture, Optimiser
from clt_operator.api.spec.compute import ComputeSpec, ResourcesSpec
from clt_operator.api.step import Graph, Input, Step, Work, make_step
from clt_operator.render.job import render_batch
from clt_operator.render.profiles import (
    CacheProfile,
    Owner,
    PoolProfile,
    PriorityProfile,
    Settings,
    StoreProfile,
    Toleration,
)


def fetch_step(language: str = "en") -> Step:
    rows = RowsRequest(format="hf", language=language, name="org/data", digest="abc")
    return make_step(
        Work(FetchParams(rows=rows)), (), {"task": "MR", "language": language}, {"uri": "hf:org"}
    )


def train_step(k: int = 100, data: Step | None = None) -> Step:
    data = data or fetch_step()
    parts = [Component(input="en", task="MR", language="en", quota=1000)]
    params = TrainParams(
        mixture=Mixture(components=parts),
        optimiser=Optimiser(learning_rate=1e-5 * (k + 1)),
        batch_size=64,
    )
    labels = {"model": "llama-8b", "task": "MR+IF", "mix": "all4", "k": str(k), "seed": "0"}
    return make_step(Work(params), (Input("en", data.key, "tokens"),), labels)


def generate_step(model: Step) -> Step:
    params = GenerateParams(task="MR", language="ja")
    inputs = (Input("model", model.key, "checkpoint/last"),)
    return make_step(Work(params), inputs, {"task": "MR", "language": "ja", "k": "100"})


def score_steps(count: int) -> list[Step]:
    return [
        make_step(
            Work(ScoreParams(metric="numeric", task="MR", language=f"l{i}")),
            (Input("records", "0" * 64, "records"),),
            {"task": "MR", "language": f"l{i}", "metric": "numeric"},
        )
        for i in range(count)
    ]


def graph_of(*steps: Step) -> Graph:
    return Graph({step.key: step for step in steps}, (steps[-1].key,))


GPU = PoolProfile(
    node_selector={"node.kubernetes.io/instance-type": "large", "accelerator": "a"},
    tolerations=[
        Toleration(key="nvidia.com/gpu", effect="NoSchedule"),
        Toleration(key="team", value="research"),
    ],
    runtime_class="nvidia",
    priority_class="research",
)
AMD = PoolProfile(gpu_resource="amd.com/gpu")

SETTINGS = Settings(
    image="clt-jobs:0.1.0",
    namespace="studies",
    store=StoreProfile(
        uri="s3://research/clt",
        secret="research-store",  # noqa: S106 - a name
        environment={"AWS_ENDPOINT_URL": "http://s3.example:7070", "AWS_REGION": "eu-1"},
    ),
    pools={"gpu": GPU, "amd": AMD},
    hub_secret="hub-token",  # noqa: S106 - a name
)

COMPUTE = ComputeSpec(
    train=ResourcesSpec(
        pool="gpu", gpus=1, cpus=8, memory="64Gi", threads=4, deadline_seconds=86400
    ),
    evaluate=ResourcesSpec(pool="gpu", gpus=1, memory="16Gi"),
    data=ResourcesSpec(cpus=2, threads=2, grace_seconds=30),
    report=ResourcesSpec(image="clt-report:0.1.0"),
)
NODES = ComputeSpec(
    train=ResourcesSpec(pool="gpu", gpus=8, nodes=4, cpus=64, memory="512Gi", threads=8),
    queue="gangs",
)
QUEUE = COMPUTE.model_copy(update={"queue": "research"})


# All that an installation can add.
FULL = replace(
    SETTINGS,
    store=SETTINGS.store.model_copy(update={"service_account": "store-user"}),
    pools={
        "gpu": PoolProfile(weight_cache=CacheProfile(storage_class="fast"), queue="gpus"),
    },
    image_pull_secrets=("registry",),
    priorities={"train": PriorityProfile(workload="first", pod="high")},
    hub_address="https://hub.example",
    labels={"example.com/team": "x"},
    annotations={"example.com/note": "free text: yes"},
)


def samples() -> dict[str, tuple[dict, ...]]:
    """Manifests by the name of their golden file."""
    train = train_step()
    return {
        "one-fetch": render_batch([fetch_step()], COMPUTE, SETTINGS),
        "one-train-on-a-gpu": render_batch([train], COMPUTE, SETTINGS),
        "one-train-by-every-profile": render_batch([train], COMPUTE, FULL, Owner("study", "0-1")),
        "one-train-on-several-nodes": render_batch([train], NODES, SETTINGS),
        "one-generate-in-a-queue": render_batch([generate_step(train)], QUEUE, SETTINGS),
        "several-scores": render_batch(score_steps(3), COMPUTE, SETTINGS),
    }
