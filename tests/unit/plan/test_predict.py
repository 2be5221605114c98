"""Predictions: one case by hand, and what is not known stays unknown, never zero."""

import pytest
from support.specs import LOCK, spec_of

from clt_operator.api.lock import (
    LanguageRows,
    Lock,
    ModelLock,
    SourceLock,
    data_request,
    model_request,
)
from clt_operator.plan.build import plan
from clt_operator.plan.predict import Assumptions, predict

ASSUMED = Assumptions(
    tokens_per_row=10, prompt_tokens_per_item=20, device_flops=1e6, utilisation=0.5
)


def predicted(data, lock=LOCK, assumed=ASSUMED):
    return predict(plan(spec_of(data), lock), lock, assumed)


def test_one_study_by_hand(small):
    small["train"] = {"batchSize": 16}
    small["tasks"][0]["generation"] = {"maxNewTokens": 5}
    found = predicted(small)
    rows = 100 + 120 + 140
    assert found.rows == rows
    assert found.tokens == 10 * rows
    assert found.optimiser_steps == 7 + 8 + 9  # ceil(100/16), ceil(120/16), ceil(140/16)
    assert found.train_flops == 6 * 1000 * 10 * rows
    cell = 50 * (20 + 5)  # items × (prompt + answer)
    assert found.evaluate_flops == 2 * 1000 * cell * 4 * 3  # 4 languages, 3 models
    seconds = (found.train_flops + found.evaluate_flops) / (1e6 * 0.5)
    assert found.gpu_hours == pytest.approx(seconds / 3600)
    assert found.memory_bytes_per_training == 16 * 1000
    assert found.stored_bytes == 3 * 2 * 4 * 1000  # three trainings, two checkpoints, fp32
    assert found.assumptions["tokens_per_row"] == 10


def test_a_model_of_unknown_size_makes_costs_unknown_and_is_named(small):
    del small["models"][0]["parameters"]
    found = predicted(small)
    assert found.unknown_models == ["m"]
    costs = (
        "train_flops",
        "evaluate_flops",
        "gpu_hours",
        "memory_bytes_per_training",
        "stored_bytes",
    )
    assert [getattr(found, name) for name in costs] == [None] * 5
    assert found.rows == 360


def test_the_lock_knows_sizes_better_than_the_spec(small):
    held = ModelLock(source="hf:org/m", revision="r", parameters=7)
    lock = Lock(
        clt_version="0", kind_versions={}, models={model_request(spec_of(small).models[0]): held}
    )
    assert predicted(small, lock).memory_bytes_per_training == 16 * 7


def test_shared_trainings_are_counted_once(small):
    before = predicted(small)
    small["sweeps"].append({**small["sweeps"][0], "name": "again"})
    assert predicted(small) == before


def test_bf16_halves_what_is_stored(small):
    small["train"] = {"precision": "bf16"}
    assert predicted(small).stored_bytes == 3 * 2 * 2 * 1000


def test_worked_examples_lengthen_the_prompt_and_records_are_made_once(small):
    small["tasks"][0] |= {
        "metrics": ["exact_match", "chrf"],
        "generation": {"shots": 2, "maxNewTokens": 5},
    }
    assert predicted(small).evaluate_flops == 2 * 1000 * 50 * (20 * 3 + 5) * 4 * 3


def test_fixed_steps_and_controls_with_equal_steps(small):
    small["train"] = {"batchSize": 16}
    small["sweeps"][0] |= {"controls": ["equal_steps"], "samplesPerLanguage": {"values": [0, 20]}}
    found = predicted(small)
    assert found.optimiser_steps == 7 + 9 + 7
    small["sweeps"][0]["controls"] = []
    small["train"] = {"batchSize": 16, "steps": 5}
    found = predicted(small)
    assert found.optimiser_steps == 10
    assert found.train_flops == 6 * 1000 * 10 * (2 * 5 * 16)


def test_batches_counted_in_tokens(small):
    small["train"] = {"batchSize": 160, "batchUnit": "tokens"}
    assert predicted(small).optimiser_steps == 7 + 8 + 9


def test_stages_and_untrained_models_cost_as_well(small):
    before = predicted(small)
    small["sweeps"][0]["untrained"] = True
    small["tasks"][0]["generation"] = {"maxNewTokens": 64}
    assert predicted(small).evaluate_flops == pytest.approx(before.evaluate_flops * 4 / 3)
    small["stages"] = [
        {"name": "b", "model": "m", "tasks": ["t"], "languages": ["en"], "samples": 40}
    ]
    small["models"].append({"name": "m2", "source": "stage:b"})
    found = predicted(small)
    assert found.rows == before.rows + 40
    assert found.stored_bytes == 4 * 2 * 4 * 1000


@pytest.mark.parametrize(("known", "rows"), [(True, 360 + 33), (False, None)])
def test_a_stage_on_everything_is_as_long_as_the_lock_knows(small, known, rows):
    small["stages"] = [{"name": "b", "model": "m", "tasks": ["t"], "languages": ["en"]}]
    small["models"].append({"name": "m2", "source": "stage:b"})
    request = data_request(spec_of(small).tasks[0].train)
    held = SourceLock(source="jsonl:x", languages={"en": LanguageRows(rows=33)})
    lock = Lock(clt_version="0", kind_versions={}, sources={request: held} if known else {})
    found = predicted(small, lock)
    assert found.rows == rows
    assert (found.gpu_hours is None) == (rows is None)


def test_the_detectable_effect_shrinks_with_items_and_seeds(small):
    few = predicted(small).minimum_detectable_effect["t/exact_match"]
    small["tasks"][0]["test"]["items"] = 200
    more = predicted(small).minimum_detectable_effect["t/exact_match"]
    small["seeds"] = [0, 1, 2]
    most = predicted(small).minimum_detectable_effect["t/exact_match"]
    assert few > more > most > 0
