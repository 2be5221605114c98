"""Who leads shows experiments; who stands by shows itself."""

import time

import pytest

from clt_operator.drivers.cluster import monitor as module
from clt_operator.drivers.cluster.installation import OpenStores
from clt_operator.drivers.cluster.monitor import Monitor

AT = 1_800_000_000.0


class Leader:
    leads = True

    def __call__(self):
        return self.leads


@pytest.fixture
def leader():
    return Leader()


@pytest.fixture
def monitor(leader):
    made = Monitor(OpenStores(None), leader)
    yield made
    made.stop()


def scrape(monitor, *items, jobs=()):
    return monitor.text(items, jobs, lambda _uid: (), AT)


def test_a_standby_shows_nothing_of_experiments(
    monitor, leader, samples, make_experiment, make_job
):
    item = make_experiment(phase="Running")
    shown = samples(scrape(monitor, item, jobs=[make_job()]))
    assert ("clt_jobs_waiting", "lab", "study", "train", "") in shown
    leader.leads = False
    left = {name for name, *_ in samples(scrape(monitor, item, jobs=[make_job()]))}
    assert not [name for name in left if "experiment" in name or "jobs_waiting" in name]
    assert "clt_not_shown" not in left
    assert "clt_build_info" in left


def test_nothing_is_left_of_an_experiment_that_is_gone(monitor, samples, make_experiment):
    monitor.changed(None, make_experiment(phase="Running"))
    assert [labels for labels in samples(scrape(monitor, make_experiment())) if "study" in labels]
    monitor.changed(make_experiment(), None)
    assert not [labels for labels in samples(scrape(monitor)) if "study" in labels]


def test_no_name_is_there_twice(monitor, make_experiment, make_job):
    text = scrape(monitor, make_experiment(), jobs=[make_job()]).decode()
    told = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(told) == len(set(told))


def test_times_of_birth_are_no_series(monitor, make_experiment):
    lines = scrape(monitor, make_experiment()).decode().splitlines()
    names = {line.partition(" ")[0].partition("{")[0] for line in lines if line[0] != "#"}
    assert "clt_operator_jobs_created_total" in names
    assert not [name for name in names if name.endswith("_created")]


def test_when_a_look_last_ended_well_begins_with_the_lead(monitor, samples):
    name = ("clt_operator_last_success_timestamp_seconds",)
    monitor.turn(leads=False)
    assert samples(scrape(monitor))[name] == 0
    before = time.time()
    monitor.turn(leads=True)
    assert samples(scrape(monitor))[name] >= before


def test_promise_nothing_silent_experiments_beyond_the_most_are_counted_and_warned_of_once(
    monitor, samples, make_experiment, monkeypatch, caplog
):
    monkeypatch.setattr(module, "MOST_EXPERIMENTS", 2)
    items = [make_experiment(f"study{at}", phase="Running") for at in range(5)]
    assert samples(scrape(monitor, *items[:2]))["clt_not_shown", "experiments"] == 0
    assert not caplog.records
    for _ in range(2):
        found = samples(scrape(monitor, *items))
    left = {labels[1]: value for labels, value in found.items() if labels[0] == "clt_not_shown"}
    assert left == {"experiments": 3, "counters": 0, "reports": 0}
    assert len([r for r in caplog.records if "experiments: 3" in r.getMessage()]) == 1
