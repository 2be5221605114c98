"""Where a training's time goes and how fast it is lately, by an injected clock."""

from contextlib import suppress

import pytest
from support.context import FakeContext
from support.training import train_params

from clt_jobs.telemetry.recorder import Recorder
from clt_jobs.train.meter import CHECKPOINT, COMPUTE, DATA, OPTIMISER, WINDOW, Meter
from clt_jobs.train.step import train
from clt_operator.api import figures


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def seconds(recorder):
    return figures.parts(recorder.take_figures(), figures.SECONDS)


def test_time_belongs_to_the_innermost_part_alone():
    clock, recorder = Clock(), Recorder()
    meter = Meter(recorder, clock=clock)
    with meter.part(COMPUTE):
        clock.now += 1
        with meter.part(DATA):
            clock.now += 2
        clock.now += 4
    clock.now += 100  # in no part
    with meter.part(OPTIMISER):
        clock.now += 8
    meter.saved(1.0, 10)
    assert seconds(recorder) == {COMPUTE: 5, DATA: 2, OPTIMISER: 8}


def test_a_part_that_fails_gives_the_time_back():
    clock, recorder = Clock(), Recorder()
    meter = Meter(recorder, clock=clock)
    with suppress(KeyError), meter.part(CHECKPOINT):
        clock.now += 1
        raise KeyError
    clock.now += 100
    meter.saved(1.0, 10)
    assert seconds(recorder) == {CHECKPOINT: 1}


def test_a_training_leaves_its_counts_and_its_manifest_says_the_same(inputs, tmp_path):
    recorder = Recorder()
    context = FakeContext(
        tmp_path / "run", inputs, telemetry=recorder, hints={"save_every_seconds": 0}
    )
    train(train_params(), context)
    left = recorder.take_figures()
    by_language = figures.parts(left, figures.TOKENS)
    assert set(by_language) == {"en", "es"}
    assert sum(by_language.values()) == context.figures["tokens"]
    supervised = figures.parts(left, figures.SUPERVISED_TOKENS)
    assert sum(supervised.values()) == context.figures["supervised_tokens"]
    assert left[figures.PADDING_TOKENS] > 0
    assert left[figures.CHECKPOINTS] == len(context.saved)
    assert set(figures.parts(left, figures.SECONDS)) >= {DATA, COMPUTE, OPTIMISER, CHECKPOINT}


def test_telemetry_changes_no_byte(inputs, tmp_path):
    outputs = []
    for name, telemetry in (("silent", None), ("recorded", Recorder())):
        context = FakeContext(tmp_path / name, inputs, telemetry=telemetry)
        train(train_params(), context)
        outputs.append(
            {
                path.relative_to(context.root): path.read_bytes()
                for path in sorted((context.root / "outputs").rglob("*"))
                if path.is_file()
            }
        )
    assert outputs[0] == outputs[1]


def test_speed_is_that_of_the_last_window():
    """Steps of 100 tokens a second, then of ten."""
    clock = Clock()
    meter = Meter(Recorder(), clock=clock)
    for tokens in [100] * 50 + [10] * 40:
        clock.now += 1
        meter.gone_on(tokens)
    assert WINDOW < 40
    assert meter.tokens_per_second() == pytest.approx(10)


def test_a_step_longer_than_the_window_has_a_speed_of_its_own():
    clock = Clock()
    meter = Meter(Recorder(), clock=clock)
    for _ in range(3):
        clock.now += 10 * WINDOW
        meter.gone_on(600)
    assert meter.tokens_per_second() == pytest.approx(600 / (10 * WINDOW))
