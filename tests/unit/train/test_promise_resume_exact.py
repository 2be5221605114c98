"""Promise: resume is bit-exact on the same world size, wherever the training was stopped."""

import numpy as np
import pytest
from support.context import FakeContext
from support.training import train_params

from clt_jobs.context import StopRequested
from clt_jobs.train.step import train
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.train import Optimiser

CASES = {
    "full": train_params(steps=12, optimiser=Optimiser(learning_rate=3e-2, weight_decay=0.1)),
    "adapter": train_params(
        steps=12,
        method="adapter",
        adapter={"r": 4, "target_modules": ["q_proj"], "lora_dropout": 0.2},
    ),
}


def _bytes(context):
    return {
        f"{name}/{path.name}": path.read_bytes()
        for name, directory in context.outputs.items()
        for path in sorted(directory.iterdir())
    }


@pytest.mark.parametrize("case", CASES)
def test_stopped_at_random_steps_it_writes_the_same_bytes(inputs, tmp_path, case):
    params = CASES[case]
    undisturbed = FakeContext(tmp_path / "undisturbed", inputs)
    train(params, undisturbed)
    assert not undisturbed.saved

    stops = sorted(
        np.random.default_rng(len(case)).choice(range(1, 11, 2), 3, replace=False).tolist()
    )
    for number, stop in enumerate(stops):
        context = FakeContext(
            tmp_path / str(number), inputs, stop_after=stop, resume=tmp_path / "resume"
        )
        with pytest.raises(StopRequested):
            train(params, context)
        assert context.saved, "it saved before it stopped"
        assert not context.outputs
    final = FakeContext(tmp_path / "final", inputs, resume=tmp_path / "resume")
    train(params, final)
    saved = int(context.saved[-1].removeprefix("step-"))
    done = [figures["done"] for figures in final.reported]
    assert done == list(range(saved + 1, 13)), "it went on and did not start again"

    expected, got = _bytes(undisturbed), _bytes(final)
    assert set(expected) == set(got)
    assert [name for name in expected if expected[name] != got[name]] == []


def test_saving_all_the_time_changes_no_byte(inputs, tmp_path):
    plain = FakeContext(tmp_path / "plain", inputs)
    saving = FakeContext(tmp_path / "saving", inputs, hints={"save_every_seconds": 0})
    for context in (plain, saving):
        train(train_params(steps=6), context)
    assert saving.saved
    assert _bytes(plain) == _bytes(saving)


def test_a_state_of_another_training_is_refused(inputs, tmp_path):
    first = FakeContext(tmp_path / "a", inputs, stop_after=2, resume=tmp_path / "resume")
    with pytest.raises(StopRequested):
        train(train_params(), first)
    second = FakeContext(tmp_path / "b", inputs, resume=tmp_path / "resume")
    with pytest.raises(InputError, match="another training"):
        train(train_params(init_seed=1), second)
