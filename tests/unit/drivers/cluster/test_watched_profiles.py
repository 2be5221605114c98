"""Profiles as a driver follows them: good ones stay until better ones come."""

import pytest

from clt_operator.cluster.errors import Unreachable
from clt_operator.cluster.profiles import NoProfiles
from clt_operator.drivers.cluster.installation import LOOK, WatchedProfiles


class Server:
    """An API server with one ConfigMap, or none, or out of reach."""

    def __init__(self):
        self.text, self.version, self.away = None, 0, False

    def limited(self, **_):
        return self

    def find(self, resource, name, namespace):
        if self.away:
            raise Unreachable("no answer")
        if self.text is None:
            return None
        meta = {"name": name, "namespace": namespace, "uid": "u", "resourceVersion": self.version}
        return {"metadata": meta, "data": {"profiles.yaml": self.text}}

    def write(self, text):
        self.text, self.version = text, self.version + 1


@pytest.fixture
def server():
    return Server()


@pytest.fixture
def now():
    return [0.0]


@pytest.fixture
def profiles(server, now):
    return WatchedProfiles(server, "clt-system", clock=lambda: now[0])


def test_without_profiles_it_says_who_makes_them(profiles):
    with pytest.raises(NoProfiles, match="no ConfigMap clt-profiles in namespace clt-system"):
        profiles()


def test_profiles_that_are_wrong_are_no_fault_of_a_spec(profiles, server):
    server.write("stores: 3")
    with pytest.raises(NoProfiles, match=r"profiles\.yaml:1: stores"):
        profiles()
    server.write("image: good")
    assert profiles().profiles.image == "good", "looked at again at once"


def test_good_ones_stay_until_better_ones_come(profiles, server, now):
    server.write("image: good")
    first = profiles()
    for wrong in ("image: [", None):
        server.text, server.version = wrong, server.version + 1
        now[0] += LOOK
        assert profiles() is first
        assert profiles.problem
    server.write("image: better")
    assert profiles() is first, "not looked at before its time"
    now[0] += LOOK
    assert profiles().profiles.image == "better"
    assert not profiles.problem


def test_an_api_server_that_is_away_changes_nothing(profiles, server, now):
    server.write("image: good")
    first = profiles()
    server.away = True
    now[0] += LOOK
    assert profiles() is first
