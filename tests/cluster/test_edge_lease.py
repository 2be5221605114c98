"""Two candidates for a lease on a real API server."""

import threading
import time

import pytest
from cluster.harness.waiting import until

from clt_operator.cluster.lease import Lease
from clt_operator.cluster.resources import LEASES


class Candidate:
    def __init__(self, api, namespace, identity, **times):
        times = {"duration": 6, "renew": 4, "retry": 0.5, **times}
        self.told = []
        self.lease = Lease(api, namespace, "operator", identity, **times)
        self.thread = threading.Thread(
            target=self.lease.run,
            args=(lambda: self.told.append("started"), lambda: self.told.append("stopped")),
            daemon=True,
        )
        self.thread.start()

    def end(self):
        self.lease.stop()
        self.thread.join(20)
        assert not self.thread.is_alive()


@pytest.fixture
def candidate(cluster, namespace):
    made = []

    def make(identity, **times):
        made.append(Candidate(cluster.api(), namespace, identity, **times))
        return made[-1]

    yield make
    for one in made:
        one.end()


@pytest.fixture
def spec(cluster, namespace):
    api = cluster.api()
    return lambda: api.get(LEASES, "operator", namespace)["spec"]


def test_a_lease_is_handed_over_at_once_when_it_is_given_up(candidate, spec):
    one = candidate("one")
    until(one.lease.leads)
    two = candidate("two")
    until(lambda: two.lease.holder == "one")
    assert spec()["holderIdentity"] == "one"
    begun = time.monotonic()
    one.end()
    until(two.lease.leads)
    assert time.monotonic() - begun < 4
    assert spec()["holderIdentity"] == "two"
    assert spec()["leaseTransitions"] == 1


def test_the_last_leader_leaves_no_holder(candidate, spec):
    one = candidate("one")
    until(one.lease.leads)
    one.end()
    assert not spec().get("holderIdentity")


def test_never_two_lead_through_a_freeze_and_a_restart(cluster, candidate):
    one = candidate("one")
    until(one.lease.leads)
    two = candidate("two")
    until(lambda: two.lease.holder == "one")
    both, over = [], threading.Event()

    def look():
        while not over.wait(0.002):
            if one.lease.leads() and two.lease.leads():
                both.append(time.monotonic())

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    begun = time.monotonic()
    with cluster.control.frozen():
        until(lambda: not one.lease.leads(), 10)
        assert time.monotonic() - begun < 5
        until(lambda: "stopped" in one.told, 10)
        until(lambda: time.monotonic() - begun > 8)  # the record looks old to both
    until(lambda: one.lease.leads() or two.lease.leads(), 30)
    with cluster.control.api_server_down():
        until(lambda: not one.lease.leads() and not two.lease.leads(), 15)
    until(lambda: one.lease.leads() or two.lease.leads(), 30)
    over.set()
    looking.join()
    assert both == []


def test_a_candidate_without_rights_leads_when_it_gets_them(cluster, namespace):
    kubeconfig = cluster.account(namespace, "second", rules=[])
    made = Candidate(cluster.api(kubeconfig), namespace, "second")
    until(lambda: "Role" in made.lease._problem)
    assert not made.lease.leads()
    in_it = ("-n", namespace)
    rights = ("--verb=get,create,patch", "--resource=leases.coordination.k8s.io")
    cluster.kubectl("create", "role", "elect", *rights, *in_it)
    whom = f"--serviceaccount={namespace}:second"
    cluster.kubectl("create", "rolebinding", "elect", "--role=elect", whom, *in_it)
    until(made.lease.leads, 20)
    made.end()
    assert made.told == ["started", "stopped"]
