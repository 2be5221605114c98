"""Who leads, over real HTTP. Durations are short; clocks are turned where time has to pass."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from support.api_server import Reply, status

from clt_operator.api import times
from clt_operator.cluster.lease import Lease

LEASES = "/apis/coordination.k8s.io/v1/leases"


class Clock:
    """The process's own clock, which tests turn on."""

    def __init__(self):
        self.skipped = 0.0

    def __call__(self):
        return time.monotonic() + self.skipped


class Candidate:
    """A lease that runs in a thread, and what it told."""

    def __init__(self, server, tmp_path, identity, **times):
        self.clock = Clock()
        self.told = []
        times = {"duration": 15, "renew": 10, "retry": 0.02, **times}
        self.lease = Lease(
            server.api(tmp_path), "clt", "operator", identity, clock=self.clock, **times
        )
        self.thread = threading.Thread(
            target=self.lease.run,
            args=(lambda: self.told.append("started"), lambda: self.told.append("stopped")),
            daemon=True,
        )

    def start(self):
        self.thread.start()
        return self

    def end(self):
        self.lease.stop()
        self.thread.join(5)
        assert not self.thread.is_alive()


def until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.fixture
def candidate(server, tmp_path):
    made = []

    def make(identity, **times):
        made.append(Candidate(server, tmp_path, identity, **times))
        return made[-1]

    yield make
    server.running.set()
    for one in made:
        if one.thread.is_alive():
            one.end()


def spec(server):
    return server.objects[LEASES]["clt/operator"]["spec"]


def renewals(server):
    return sum(request.method == "PATCH" for request in server.requests)


def test_the_first_makes_the_lease_and_leads(server, candidate):
    one = candidate("one").start()
    until(one.lease.leads)
    until(lambda: renewals(server) > 2)
    assert one.told == ["started"]
    assert spec(server)["holderIdentity"] == "one"
    assert spec(server)["leaseDurationSeconds"] == 15
    assert spec(server)["leaseTransitions"] == 0
    assert spec(server)["renewTime"] > spec(server)["acquireTime"]
    assert len(spec(server)["renewTime"]) == len("2026-01-01T00:00:00.000000Z")


def test_a_renewal_is_one_request(server, candidate):
    one = candidate("one").start()
    until(one.lease.leads)
    before = len(server.requests)
    until(lambda: len(server.requests) > before + 3)
    assert {request.method for request in server.requests[before:]} == {"PATCH"}


def test_the_second_waits_while_the_first_renews(server, candidate):
    one, two = candidate("one").start(), candidate("two")
    until(one.lease.leads)
    two.start()
    until(lambda: two.lease.holder == "one")
    two.clock.skipped = 14
    before = renewals(server)
    until(lambda: renewals(server) > before + 3)
    two.clock.skipped = 28  # every renewal starts its waiting anew
    until(lambda: renewals(server) > before + 6)
    assert two.told == []
    assert one.lease.leads()


def test_a_lease_that_is_given_up_is_taken_at_once(server, candidate):
    one, two = candidate("one").start(), candidate("two")
    until(one.lease.leads)
    two.start()
    one.end()
    until(two.lease.leads)
    assert one.told == ["started", "stopped"]
    assert not one.lease.leads()
    assert spec(server)["holderIdentity"] == "two"
    assert spec(server)["leaseTransitions"] == 1


def test_a_dead_leader_is_replaced_after_its_duration(server, candidate):
    dead = {"holderIdentity": "dead", "leaseDurationSeconds": 15, "leaseTransitions": 4}
    server.put(LEASES, "operator", "clt", spec={**dead, "renewTime": "2020-01-01T00:00:00Z"})
    two = candidate("two").start()
    until(lambda: two.lease.holder == "dead")
    two.clock.skipped = 14
    seen = len(server.requests)
    until(lambda: len(server.requests) > seen + 5)
    assert not two.lease.leads()  # however old the record says it is
    two.clock.skipped = 15.5
    until(two.lease.leads)
    assert spec(server)["leaseTransitions"] == 5


def test_the_holders_own_duration_counts(server, candidate):
    other = {"holderIdentity": "other", "leaseDurationSeconds": 60}
    server.put(LEASES, "operator", "clt", spec=other)
    two = candidate("two").start()
    until(lambda: two.lease.holder == "other")
    two.clock.skipped = 50
    seen = len(server.requests)
    until(lambda: len(server.requests) > seen + 5)
    assert not two.lease.leads()
    two.clock.skipped = 61
    until(two.lease.leads)


def test_a_wall_clock_that_jumps_changes_nothing(server, candidate, monkeypatch):
    one, two = candidate("one").start(), candidate("two")
    until(one.lease.leads)
    two.start()
    until(lambda: two.lease.holder == "one")
    for days in (1, -2):
        jump = timedelta(days=days)

        class Jumped(datetime):
            @classmethod
            def now(cls, tz=None, jump=jump):
                return datetime.now(tz) + jump

        monkeypatch.setattr(times, "datetime", Jumped)
        day = (datetime.now(UTC) + jump).date().isoformat()
        until(lambda day=day: spec(server)["renewTime"].startswith(day))
        before = len(server.requests)
        until(lambda before=before: len(server.requests) > before + 10)
        assert one.lease.leads()
    assert (one.told, two.told) == (["started"], [])


def test_a_process_that_was_frozen_wakes_as_no_leader(server, candidate):
    one = candidate("one", retry=5).start()
    until(one.lease.leads)
    one.clock.skipped = 11
    assert not one.lease.leads()  # before anything else of it has run


def test_leading_ends_while_a_request_hangs(server, candidate):
    one = candidate("one", duration=3, renew=0.6, retry=0.02).start()
    until(one.lease.leads)
    server.running.clear()
    begun = time.monotonic()
    until(lambda: not one.lease.leads())
    assert time.monotonic() - begun < 2
    until(lambda: one.told == ["started", "stopped"], seconds=2)
    server.running.set()
    until(one.lease.leads)
    assert one.told == ["started", "stopped", "started"]


def test_no_two_lead_when_a_frozen_server_wakes(server, candidate):
    one = candidate("one", duration=1, renew=0.4, retry=0.02).start()
    until(one.lease.leads)
    two = candidate("two", duration=1, renew=0.4, retry=0.02).start()
    until(lambda: two.lease.holder == "one")
    both = []
    watching = threading.Event()

    def look():
        while not watching.is_set():
            both.append(one.lease.leads() and two.lease.leads())

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    for _ in range(3):
        server.running.clear()
        until(lambda: not one.lease.leads() and not two.lease.leads())
        server.running.set()
        until(lambda: one.lease.leads() or two.lease.leads())
    watching.set()
    looking.join()
    assert not any(both)


def test_an_own_renewal_whose_answer_was_lost_is_no_loss(server, candidate):
    one = candidate("one").start()
    until(one.lease.leads)

    def lose(request):
        server.answer(request)
        return Reply(drop=True)

    server.faults.append(lose)
    until(lambda: not server.faults)
    before = renewals(server)
    until(lambda: renewals(server) > before + 3)
    assert one.lease.leads()
    assert one.told == ["started"]


def test_a_lease_that_somebody_else_took_is_lost_at_once(server, candidate):
    one = candidate("one").start()
    until(one.lease.leads)
    server.put(LEASES, "operator", "clt", spec={"holderIdentity": "x", "leaseDurationSeconds": 15})
    until(lambda: one.told == ["started", "stopped"])
    assert not one.lease.leads()
    assert spec(server)["holderIdentity"] == "x"


def test_a_lease_that_was_deleted_is_made_again(server, candidate):
    one = candidate("one").start()
    until(one.lease.leads)
    server.remove(LEASES, "operator", "clt")
    until(lambda: "clt/operator" in server.objects[LEASES])
    until(one.lease.leads)
    assert spec(server)["holderIdentity"] == "one"


def test_a_lease_that_another_made_first_is_theirs(server, candidate):
    def lose_the_race(request):
        if request.method != "POST":
            return None
        theirs = {"holderIdentity": "other", "leaseDurationSeconds": 15}
        server.put(LEASES, "operator", "clt", spec=theirs)
        return status(409, "AlreadyExists")

    server.faults.append(lose_the_race)
    one = candidate("one").start()
    until(lambda: one.lease.holder == "other")
    assert not one.lease.leads()


def test_faults_that_pass_are_no_loss(server, candidate):
    one = candidate("one").start()
    until(one.lease.leads)
    server.fail(*[status(503, "ServiceUnavailable")] * 3, Reply(drop=True))
    before = renewals(server)
    until(lambda: renewals(server) > before + 8)
    assert one.told == ["started"]


def test_a_missing_right_is_told_once_and_tried_again(server, candidate, caplog):
    server.fail(*[status(403, "Forbidden", "not yours")] * 4)
    one = candidate("one").start()
    until(one.lease.leads)
    assert sum("not yours" in record.message for record in caplog.records) == 1


def test_stopping_a_candidate_leaves_the_leader_alone(server, candidate):
    one, two = candidate("one").start(), candidate("two")
    until(one.lease.leads)
    two.start()
    until(lambda: two.lease.holder == "one")
    two.end()
    assert two.told == []
    assert spec(server)["holderIdentity"] == "one"


def test_times_that_allow_two_leaders_are_refused(server, tmp_path):
    with pytest.raises(ValueError, match="retry < renew < duration"):
        Lease(server.api(tmp_path), "clt", "operator", "one", duration=10, renew=10)
