"""Memory of a training: one case by hand, what is unknown is said, and what will not fit."""

from typing import Any

import pytest
from support.specs import LOCK, small_spec, spec_of

from clt_operator.api.lock import Lock, ModelLock, model_request
from clt_operator.plan.build import plan
from clt_operator.plan.memory import MicroBatch, Shape, bytes_of, training_bytes
from clt_operator.plan.predict import predict


def predicted(data: dict[str, Any], lock: Lock = LOCK) -> Any:
    return predict(plan(spec_of(data), lock), lock)


def held(data: dict[str, Any], **shape: int) -> Lock:
    entry = ModelLock(source="hf:org/m", parameters=135_000_000, **shape)
    return LOCK.model_copy(update={"models": {model_request(spec_of(data).models[0]): entry}})


SHAPE = {"layers": 30, "hidden": 576, "vocabulary": 49152}


def test_one_training_by_hand() -> None:
    batch = MicroBatch(rows=2, tokens=10, supervised=3)
    shape = Shape(layers=4, hidden=8, vocabulary=100)
    assert training_bytes(1000, shape, batch, "fp32") == (
        16 * 1000 + 2 * 10 * 4 * 8 * 20 * 4 + 2 * 3 * 100 * 12
    )
    assert training_bytes(1000, shape, batch, "bf16") == (
        16 * 1000 + 2 * 10 * 4 * 8 * 20 * 2 + 2 * 3 * 100 * 12
    )


def test_a_real_model_needs_more_than_is_asked_for_by_default() -> None:
    data = small_spec() | {"train": {"batchSize": 16}}
    found = predicted(data, held(data, **SHAPE))
    assert 6 * 2**30 < found.memory_bytes_per_training < 9 * 2**30
    (warning,) = found.warnings
    assert warning.startswith("training needs about 7.8 GiB, compute.train.memory asks for 4Gi")


@pytest.mark.parametrize(
    "compute", [{"memory": "16Gi"}, {"microBatchSize": 2}, {"gpus": 1}, {"nodes": 8}]
)
def test_no_warning_where_it_fits(compute: dict[str, Any]) -> None:
    data = small_spec() | {"train": {"batchSize": 16}, "compute": {"train": compute}}
    assert predicted(data, held(data, **SHAPE)).warnings == []


def test_what_is_left_out_is_said() -> None:
    data = small_spec()
    found = predicted(data, held(data))
    assert found.memory_bytes_per_training == 16 * 135_000_000
    assert found.warnings == [
        "predicted memory leaves activations out: the layers of m are not known"
    ]


def test_a_stage_has_the_shape_of_what_it_starts_from() -> None:
    data = small_spec()
    data["stages"] = [
        {"name": "b", "model": "m", "tasks": ["t"], "languages": ["en"], "samples": 40}
    ]
    data["models"].append({"name": "m2", "source": "stage:b"})
    data["sweeps"][0]["models"] = ["m2"]
    assert len(predicted(data, held(data, **SHAPE)).warnings) == 1


@pytest.mark.parametrize(
    ("text", "size"), [("4Gi", 4 * 2**30), ("1.5G", 1_500_000_000), ("512", 512), ("64k", 64_000)]
)
def test_quantities_of_memory(text: str, size: int) -> None:
    assert bytes_of(text) == size
