"""Promise: semantics are in a key, incidentals are out; a key is the same everywhere."""

import hashlib
import subprocess
import sys

import pytest
from support.specs import LOCK, small_spec, spec_of

from clt_operator.api.keys import canonical, canonical_params, step_key
from clt_operator.api.kinds import KINDS
from clt_operator.api.kinds.generate import GenerateParams
from clt_operator.api.kinds.train import Component, Mixture, Optimiser, TrainParams
from clt_operator.api.step import Input, Work, make_step
from clt_operator.plan.build import plan

GOLDEN_TRAIN = "6376dacc"
GOLDEN_GENERATE = "4e089952"


def train_params(**changes):
    return TrainParams(
        mixture=Mixture(components=[Component(input="t/en", task="t", language="en", quota=100)]),
        optimiser=Optimiser(learning_rate=1e-5),
        batch_size=64,
        **changes,
    )


def key_of(params, *inputs):
    return make_step(Work(params), inputs).key


def test_golden_keys_of_every_release():
    """If one of these changes, every finished study would run again: raise the kind's version
    instead, or give the new field the default that it leaves out."""
    model = Input("model", "a" * 64, "model")
    tokens = Input("t/en", "b" * 64, "tokens")
    assert key_of(train_params(), model, tokens)[:8] == GOLDEN_TRAIN
    assert key_of(GenerateParams(task="t", language="en"), model)[:8] == GOLDEN_GENERATE


def test_the_hashed_text_is_canonical_json():
    text = canonical_params(GenerateParams(task="t", language="es", max_new_tokens=8))
    assert text == '{"language":"es","max_new_tokens":8,"task":"t"}'
    assert canonical({"b": 1e-5, "a": "ñ"}) == '{"a":"ñ","b":1e-05}'
    with pytest.raises(ValueError, match="Out of range float"):
        canonical(float("nan"))


def test_a_field_at_its_introduction_default_is_left_out():
    assert key_of(train_params()) == key_of(train_params(loss_weight="token"))
    assert key_of(train_params()) != key_of(train_params(loss_weight="row"))


def test_the_order_of_inputs_decides_nothing():
    inputs = [("b", "2" * 64, "x"), ("a", "1" * 64, "y")]
    assert step_key("k", 1, "{}", inputs) == step_key("k", 1, "{}", inputs[::-1])


def test_kind_version_and_output_name_are_hashed():
    params = GenerateParams(task="t", language="en")
    one = make_step(Work(params), (Input("model", "a" * 64, "checkpoint/last"),))
    assert one.key != make_step(Work(params), (Input("model", "a" * 64, "checkpoint/best"),)).key
    assert one.key != make_step(Work(params, locked_version=7), one.inputs).key


def test_labels_and_hints_are_not_hashed():
    work = Work(GenerateParams(task="t", language="en"))
    assert make_step(work, (), {"a": "b"}, {"threads": 8}).key == make_step(work, ()).key


def keys(data):
    return set(plan(spec_of(data), LOCK).graph.steps)


@pytest.mark.parametrize(
    "change",
    [
        {"compute": {"train": {"pool": "other", "gpus": 8, "threads": 4}}},
        {"store": "elsewhere"},
        {"compute": {"budget": {"gpuHours": 12.5}}},
        {"retries": {"limit": 9}},
        {"suspend": True},
        {"cancel": True},
    ],
)
def test_incidentals_change_no_key(small, change):
    assert keys({**small, **change}) == keys(small)


def test_a_hyper_parameter_changes_only_what_depends_on_it(small):
    before = plan(spec_of(small), LOCK).graph
    small["train"] = {"learningRate": 2e-5}
    after = plan(spec_of(small), LOCK).graph
    kept = {before.steps[key].kind for key in set(before.steps) & set(after.steps)}
    changed = {before.steps[key].kind for key in set(before.steps) - set(after.steps)}
    assert kept == {"fetch", "prepare"}
    assert changed == {"train", "generate", "score", "collect", "report"}


def test_a_new_evaluation_language_adds_only_its_cells(small):
    before = set(plan(spec_of(small), LOCK).graph.steps)
    small["languages"]["evaluate"].append("ko")
    after = plan(spec_of(small), LOCK).graph
    new = [step for key, step in after.steps.items() if key not in before]
    assert {s.kind for s in new} == {"fetch", "generate", "score", "collect", "report"}
    assert all(s.labels["language"] == "ko" for s in new if s.kind not in ("collect", "report"))


def test_keys_do_not_depend_on_the_hash_seed_of_the_process():
    code = (
        "from support.specs import *\nfrom clt_operator.plan.build import plan\n"
        "print(plan(spec_of(small_spec()), LOCK).graph.targets[0])"
    )
    path = ":".join(sys.path)
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": path, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
    assert found == {plan(spec_of(small_spec()), LOCK).graph.targets[0] + "\n"}


def test_every_kind_is_registered_under_its_own_name():
    assert {name: params.kind for name, params in KINDS.items()} == {name: name for name in KINDS}


def test_a_key_hashed_in_pieces_is_that_of_the_whole_text(monkeypatch):
    """A collection reads so much that its text is never put together; the key is the same."""
    inputs = [(f'cell/"é\ {at}', f"{at:064x}", "items") for at in range(25)]
    params = canonical({"language": "es", "notes": "größer" * 20})
    whole = step_key("k", 3, params, inputs)
    monkeypatch.setattr("clt_operator.api.keys._PIECE", 10)
    monkeypatch.setattr("clt_operator.api.keys._CHARACTERS", 7)
    assert step_key("k", 3, params, inputs) == whole
    listed = canonical(sorted(inputs))
    text = f'{{"inputs":{listed},"kind":"k","params":{params},"version":3}}'
    assert whole == hashlib.sha256(text.encode()).hexdigest()
