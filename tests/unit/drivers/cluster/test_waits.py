"""How long Jobs waited: told once each, and only of what this process saw happen."""

import pytest

from clt_operator.drivers.cluster.waits import Waits

BEGAN = "2026-01-01T00:00:42Z"


class Told(list):
    leads = True

    def note(self, *what):
        self.append(what)


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def waits(told):
    return Waits(told.note, lambda: told.leads)


def test_from_the_making_of_a_job_until_its_first_pod_ran(waits, told, make_job, make_pod):
    job = make_job(queue="team")
    waits.on_pod(make_pod(), job)
    assert told == []
    waits.on_pod(make_pod(began=BEGAN), job)
    waits.on_pod(make_pod(began="2026-01-01T00:59:00Z"), job)  # the next one of its pods
    assert told == [("train", "team", 42.0)]


def test_what_ran_before_this_process_led_is_old(waits, told, make_job, make_pod):
    told.leads = False
    waits.on_pod(make_pod(began=BEGAN), None)
    told.leads = True
    waits.on_pod(make_pod(began=BEGAN), make_job())
    assert told == []


def test_a_pod_that_is_seen_before_its_job_is_told_later(waits, told, make_job, make_pod):
    waits.on_pod(make_pod(began=BEGAN), None)
    waits.on_pod(make_pod(began=BEGAN), make_job())
    assert told == [("train", "", 42.0)]
