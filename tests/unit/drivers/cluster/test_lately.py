"""When an experiment last got further, in memory alone."""

import pytest

from clt_operator.api.times import epoch
from clt_operator.drivers.cluster.lately import Lately

CREATED = epoch("2026-01-01T00:00:00Z")
ENDED = "2026-01-01T08:00:00Z"


class Clock:
    now = CREATED + 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def lately(clock):
    return Lately(clock)


def at(done, phase="Running"):
    return {"phase": phase, "counts": [{"kind": "train", "done": done}]}


def test_it_moves_when_the_count_of_committed_steps_rises(lately, clock, make_experiment):
    assert lately.note(make_experiment(**at(0))) == CREATED
    clock.now += 50
    assert lately.note(make_experiment(**at(1))) == clock.now
    clock.now += 50
    assert lately.note(make_experiment(**at(1))) == clock.now - 50


def test_after_a_restart_what_is_under_way_begins_with_now(lately, clock, make_experiment):
    assert lately.note(make_experiment(**at(5))) == clock.now


def test_after_a_restart_what_is_complete_says_when_it_ended(lately, make_experiment):
    done = make_experiment(**at(5, "Complete"), completionTime=ENDED)
    assert lately.note(done) == epoch(ENDED)


def test_a_study_that_goes_on_after_a_pause_begins_again(lately, clock, make_experiment):
    lately.note(make_experiment(**at(1, "Suspended")))
    clock.now += 9000
    assert lately.note(make_experiment(**at(1))) == clock.now


def test_another_one_of_the_same_name_begins_anew(lately, clock, make_experiment):
    lately.note(make_experiment(**at(5)))
    assert lately.note(make_experiment("study", "another", **at(0))) == CREATED
