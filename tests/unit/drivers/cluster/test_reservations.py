"""Two studies make no two Jobs for one step."""

import pytest

from clt_operator.drivers.cluster.reservations import KEPT, Reservations


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def taken(clock):
    made = Reservations(clock)
    assert made.take("ns", ["a", "b"], "one", "job-ab")
    return made


def test_another_study_leaves_alone_what_was_taken(taken):
    assert not taken.take("ns", ["b", "c"], "two", "job-bc")
    assert taken.take("ns", ["c"], "two", "job-c")


def test_nothing_is_taken_of_what_is_refused(taken):
    assert not taken.take("ns", ["b", "c"], "two", "job-bc")
    assert taken.take("ns", ["c"], "three", "job-c")


def test_the_same_job_is_everybodys(taken):
    assert taken.take("ns", ["a", "b"], "two", "job-ab")
    assert not taken.take("ns", ["a"], "two", "job-a")


def test_a_study_does_not_stand_in_its_own_way(taken):
    assert taken.take("ns", ["b"], "one", "job-b")


def test_namespaces_share_nothing(taken):
    assert taken.take("elsewhere", ["a"], "two", "job-a")


def test_what_was_dropped_or_is_old_is_free(taken, clock):
    taken.drop("ns", ["a", "b"], "two")
    assert not taken.take("ns", ["a"], "two", "job-a")
    taken.drop("ns", ["a"], "one")
    assert taken.take("ns", ["a"], "two", "job-a")
    assert not taken.take("ns", ["b"], "two", "job-b")
    clock.now += KEPT
    assert taken.take("ns", ["b"], "two", "job-b")
