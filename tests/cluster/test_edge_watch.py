"""Caches on a real API server, through everything that can end a watch."""

import threading

import pytest
from cluster.harness.cluster import config_map
from cluster.harness.steps import fetch_steps, job_of
from cluster.harness.waiting import until

from clt_operator.cluster import feed
from clt_operator.cluster.resources import CONFIGMAPS, JOBS
from clt_operator.cluster.trim import keys_of, trim_job
from clt_operator.cluster.watch import Cache


class Watched:
    def __init__(self, api, namespace):
        self.api, self.namespace = api, namespace
        self.told = []
        self.cache = Cache(api, CONFIGMAPS, namespace, labels="test=yes", on_change=self.on_change)

    def on_change(self, event, old, new):
        self.told.append((event, (new or old)["metadata"]["name"]))

    def put(self, name, value):
        body = config_map(self.namespace, name, {"v": value})
        body["metadata"]["labels"] = {"test": "yes"}
        self.api.apply(CONFIGMAPS, body, manager="m")

    def remove(self, name):
        assert self.api.delete(CONFIGMAPS, name, namespace=self.namespace)

    def values(self):
        return {item["metadata"]["name"]: item["data"]["v"] for item in self.cache.list()}

    def shows(self, seconds=40, **values):
        until(lambda: self.values() == values, seconds, what=f"the cache shows {values}")


@pytest.fixture
def watched(cluster, namespace):
    api = cluster.api()
    api.patience = 60
    watched = Watched(api, namespace)
    watched.put("a", "1")
    watched.put("b", "1")
    watched.cache.start()
    assert watched.cache.wait_synced(20)
    watched.shows(a="1", b="1")
    yield watched
    watched.cache.stop()
    api.close()


def test_it_follows(watched):
    watched.put("a", "2")
    watched.put("c", "1")
    watched.remove("b")
    watched.shows(a="2", c="1")
    assert watched.told[2:] == [("MODIFIED", "a"), ("ADDED", "c"), ("DELETED", "b")]
    assert "managedFields" not in watched.cache.get(watched.namespace, "a")["metadata"]


def test_jobs_are_found_by_their_keys(cluster, namespace, store):
    steps = fetch_steps(3)
    job = job_of(steps, namespace, store)
    job["spec"]["suspend"] = True
    api = cluster.api()
    cache = Cache(api, JOBS, namespace, trim=trim_job)
    cache.index("key", keys_of)
    cache.start()
    assert cache.wait_synced(20)
    api.create(JOBS, job, manager="m")
    until(lambda: cache.by("key", steps[2].key))
    assert {step.key for step in steps} == set(keys_of(cache.list()[0]))
    api.delete(JOBS, job["metadata"]["name"], namespace=namespace)
    until(lambda: not cache.by("key", steps[2].key))
    cache.stop()


def test_a_restarted_server_is_followed_again(cluster, watched):
    asked = watched.api.requests
    with cluster.control.api_server_down():
        until(lambda: "refused" in watched.cache.problem, 20)
        refused = asked["GET", 0]
        assert watched.values() == {"a": "1", "b": "1"}
    watched.put("a", "2")
    watched.shows(a="2", b="1")
    assert watched.cache.problem == ""
    assert refused < 30
    assert watched.told[2:] == [("MODIFIED", "a")]


def test_after_a_compaction_it_lists_again_and_tells_what_it_missed(cluster, watched, monkeypatch):
    relisted = threading.Event()
    listing = watched.cache._feed._list

    def list_again():
        relisted.set()
        return listing()

    monkeypatch.setattr(watched.cache._feed, "_list", list_again)
    cluster.control.expire_watches()
    assert relisted.wait(40)
    watched.put("a", "2")
    watched.remove("b")
    watched.shows(a="2")
    assert sorted(watched.told[2:]) == [("DELETED", "b"), ("MODIFIED", "a")]


def test_what_went_in_a_gap_is_told(cluster, watched, monkeypatch):
    """The cache hears nothing between two restarts that both forget history."""
    attempts = watched.cache._feed._watch
    gate = threading.Event()

    def closed():
        gate.wait()
        return attempts()

    monkeypatch.setattr(watched.cache._feed, "_watch", closed)
    with cluster.control.api_server_down():
        pass
    watched.remove("b")
    watched.remove("a")
    watched.put("a", "3")  # another object of that name
    cluster.control.expire_watches()
    gate.set()
    watched.shows(a="3")
    assert sorted(watched.told[2:]) == [("ADDED", "a"), ("DELETED", "a"), ("DELETED", "b")]


def test_a_compaction_under_an_open_watch_loses_nothing(cluster, watched):
    for number in range(5):
        watched.put("a", str(number + 2))
        cluster.control.compact()
    watched.shows(a="6", b="1")


def test_a_frozen_server_is_noticed_and_found_again(cluster, watched, monkeypatch):
    monkeypatch.setattr(feed, "WATCH_SECONDS", (3, 3))
    monkeypatch.setattr(feed, "GRACE_SECONDS", 1.0)
    monkeypatch.setattr(feed, "ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(feed, "LONGEST_PAUSE", 2.0)
    with cluster.control.api_server_down():  # the open watch has the limits of before
        pass
    watched.put("a", "2")
    watched.shows(a="2", b="1")
    with cluster.control.frozen():
        until(lambda: watched.cache.silence() > 5, 30)
        until(lambda: watched.cache.problem, 30)
        assert watched.values() == {"a": "2", "b": "1"}
    watched.put("a", "3")
    watched.shows(a="3", b="1")
    until(lambda: watched.cache.silence() < 4)
    assert watched.told[2:] == [("MODIFIED", "a"), ("MODIFIED", "a")]


def test_a_quiet_watch_shows_life_by_bookmarks(watched, cluster, monkeypatch):
    monkeypatch.setattr(feed, "WATCH_SECONDS", (6, 6))
    with cluster.control.api_server_down():
        pass
    watched.put("a", "2")
    watched.shows(a="2", b="1")
    version = watched.cache._feed._version
    watched.api.create(CONFIGMAPS, config_map(watched.namespace, "other", {}), manager="m")
    until(lambda: watched.cache._feed._version != version, 30, what="a bookmark moved the place")
    assert watched.cache.silence() < 3
