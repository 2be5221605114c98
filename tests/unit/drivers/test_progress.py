"""What a person sees: plain lines without a terminal, a live view with figures on one."""

import io
from typing import ClassVar

import pytest

from clt_operator.api.base import Params
from clt_operator.api.step import Work, make_step
from clt_operator.drivers.observer import Result
from clt_operator.drivers.pace import Pace
from clt_operator.drivers.progress import Lines, Live, observer_for
from clt_operator.drivers.wording import duration_text, figures_text
from clt_operator.reconcile import Status
from clt_operator.reconcile.decision import Failure


class Probe(Params):
    kind: ClassVar[str] = "train"
    name: str


def step(name):
    return make_step(Work(Probe(name=name)), (), {"model": name})


def status(**row):
    return Status({"train": row}, (), None)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_without_a_terminal_each_event_is_one_plain_line():
    stream = io.StringIO()
    view = observer_for(2, stream)
    assert isinstance(view, Lines)
    one = step("tiny")
    with view:
        view.on_start(status(ready=1))
        view.on_step(one, "started", "")
        view.on_step(one, "failed", "shapes differ")
        failure = Failure(one.key, "train", "tiny", 3, "shapes differ")
        view.on_finish(Result("failed", Status({"train": {"failed": 1}}, (failure,), "failed")))
    text = stream.getvalue()
    assert "\x1b" not in text
    lines = [line.partition(" ")[2] for line in text.splitlines()]
    assert lines[0] == "1 steps: 1 ready"
    assert lines[1] == f"started train tiny {one.key[:12]}"
    assert lines[2] == f"failed train tiny {one.key[:12]} shapes differ"
    assert lines[3].startswith("failed after 0s: 0 steps committed now; 1 failed")
    assert text.rstrip().endswith(f"train tiny {one.key[:12]}: shapes differ")


def test_on_a_terminal_the_view_shows_counts_figures_and_the_time_left():
    from rich.console import Console

    view = observer_for(1, Terminal())
    assert isinstance(view, Live)
    now = [0.0]
    view.pace.clock = lambda: now[0]
    one = step("tiny[red]")
    view.on_start(status(done=3, running=1))
    view.on_step(one, "started", "")
    view.on_figures(one, {"done": 25, "total": 100, "loss": 1.23456})
    now[0] = 10.0
    console = Console(file=io.StringIO(), width=120)
    console.print(view.render())
    text = console.file.getvalue()
    for part in ("3/4", "tiny[red]", "25/100 loss 1.235", "30s", "time left: 30s"):
        assert part in text


def test_the_pace_of_a_kind_is_the_mean_of_what_finished():
    now = [0.0]
    pace = Pace(2, lambda: now[0])
    first, second = step("1"), step("2")
    pace.note(first, "started")
    assert pace.left(status(running=1, pending=4)) is None, "nothing is known yet"
    now[0] = 8.0
    pace.note(first, "committed")
    pace.note(second, "started")
    now[0] = 10.0
    assert pace.left(status(done=1, running=1, pending=4)) == (6.0 + 4 * 8.0) / 2


def test_a_step_that_failed_says_nothing_about_the_pace():
    pace = Pace(1, lambda: 0.0)
    pace.note(step("1"), "started")
    pace.note(step("1"), "failed")
    assert pace.left(status(pending=1)) is None


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, ""), (0, "0s"), (59.6, "1m00s"), (200, "3m20s"), (3725, "1h02m")]
)
def test_durations(seconds, text):
    assert duration_text(seconds) == text


def test_figures_without_a_total_are_shown_by_name():
    assert figures_text({"loss": 0.5, "accuracy": 0.25}) == "accuracy 0.25 loss 0.5"
