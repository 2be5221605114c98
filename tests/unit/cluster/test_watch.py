"""Caches over real HTTP: kept fresh through everything that ends a watch."""

import threading
import time
from collections.abc import Callable

import pytest
from support.api_server import Reply, status

from clt_operator.cluster import feed
from clt_operator.cluster.resources import CONFIGMAPS
from clt_operator.cluster.watch import Cache

MAPS = "/api/v1/configmaps"


class Watched:
    """A cache and what it told."""

    def __init__(self, server, tmp_path):
        self.server = server
        self.told = []
        self._changed = threading.Condition()
        self.api = server.api(tmp_path, read_seconds=2)
        self.cache = Cache(self.api, CONFIGMAPS, "team", labels="a=b", on_change=self.on_change)
        self.cache.index("value", lambda item: list(item.get("data", {}).values()))

    def on_change(self, event, old, new):
        with self._changed:
            versions = [item and item["data"]["v"] for item in (old, new)]
            self.told.append((event, *versions))
            self._changed.notify_all()

    def until(self, condition: Callable[[], object], seconds=8.0):
        """Waits for a change that makes it true, or, where nothing tells, looks often."""
        end = time.monotonic() + seconds
        with self._changed:
            while not condition():
                assert time.monotonic() < end, (
                    f"told {self.told}, {len(self.server.requests)} asked"
                )
                self._changed.wait(0.01)

    def start(self):
        self.cache.start()
        assert self.cache.wait_synced(5)
        self.until(self.watching)

    def watching(self):
        return any(request.watches for request in self.server.requests)

    def values(self):
        return {item["metadata"]["name"]: item["data"]["v"] for item in self.cache.list()}

    def asked(self, watch):
        return [request for request in self.server.requests if request.watches is watch]


@pytest.fixture
def watched(server, tmp_path):
    watched = Watched(server, tmp_path)
    yield watched
    watched.cache.stop()


def put(server, name, value):
    return server.put(MAPS, name, data={"v": value})


def test_it_lists_in_pages_then_watches_from_there(server, watched):
    for number in range(1200):
        put(server, f"c{number}", "1")
    assert not watched.cache.synced()
    watched.start()
    assert watched.cache.synced()
    assert len(watched.cache) == 1200
    assert [request.query["limit"] for request in watched.asked(watch=False)] == ["500"] * 3
    [watch] = watched.asked(watch=True)
    assert watch.query["resourceVersion"] == str(server.version)
    assert watch.query["allowWatchBookmarks"] == "true"
    assert watch.query["labelSelector"] == "a=b"
    assert 45 <= int(watch.query["timeoutSeconds"]) <= 60


def test_it_follows_what_happens_and_tells_old_and_new(server, watched):
    put(server, "c", "1")
    watched.start()
    put(server, "c", "2")
    put(server, "d", "1")
    server.remove(MAPS, "c")
    watched.until(lambda: len(watched.told) == 4)
    assert watched.told == [
        ("ADDED", None, "1"),
        ("MODIFIED", "1", "2"),
        ("ADDED", None, "1"),
        ("DELETED", "2", None),
    ]
    assert watched.values() == {"d": "1"}
    assert watched.cache.get("team", "c") is None


def test_what_it_tells_is_already_in_the_cache(server, tmp_path):
    seen = []

    def look(event, old, new):
        name = (new or old)["metadata"]["name"]
        seen.append((event, cache.get("team", name) is new, len(cache.by("value", "1"))))

    cache = Cache(server.api(tmp_path), CONFIGMAPS, "team", on_change=look)
    cache.index("value", lambda item: [item["data"]["v"]])
    put(server, "c", "1")
    cache.start()
    assert cache.wait_synced(5)
    cache.stop()
    assert seen == [("ADDED", True, 1)]


def test_indexes_follow(server, watched):
    put(server, "c", "1")
    put(server, "d", "1")
    watched.start()
    assert len(watched.cache.by("value", "1")) == 2
    put(server, "c", "2")
    server.remove(MAPS, "d")
    watched.until(lambda: len(watched.told) == 4)
    assert watched.cache.by("value", "1") == []
    assert watched.cache.by("value", "2") == [watched.cache.get("team", "c")]
    assert list(watched.cache._indexes["value"].found) == ["2"]


def test_objects_are_trimmed_in_lists_and_events(server, watched):
    noise = {"managedFields": [{"manager": "x"}]}
    server.put(MAPS, "listed", data={"v": "1"}, metadata=noise)
    watched.start()
    server.put(MAPS, "seen", data={"v": "1"}, metadata=noise)
    watched.until(lambda: len(watched.cache) == 2)
    assert not [item for item in watched.cache.list() if "managedFields" in item["metadata"]]


def test_a_watch_that_ends_goes_on_where_it_was(server, watched, monkeypatch):
    monkeypatch.setattr(feed, "STEADY_SECONDS", 0.1)
    server.watch_seconds = 0.1
    watched.start()
    put(server, "c", "1")
    watched.until(lambda: len(watched.asked(watch=True)) >= 3)
    put(server, "c", "2")
    watched.until(lambda: watched.values() == {"c": "2"})
    assert len(watched.asked(watch=False)) == 1
    assert watched.told == [("ADDED", None, "1"), ("MODIFIED", "1", "2")]
    last = watched.asked(watch=True)[-1].query["resourceVersion"]
    assert int(last) > 100


def test_a_watch_that_breaks_goes_on_where_it_was(server, watched):
    watched.start()
    for number in range(5):
        put(server, "c", str(number))
        watched.until(lambda number=number: watched.values() == {"c": str(number)})
        server.cut()
    put(server, "d", "0")
    watched.until(lambda: len(watched.cache) == 2)
    assert len(watched.asked(watch=False)) == 1
    assert len(watched.told) == 6


def test_bookmarks_move_the_place_to_go_on_from(server, watched):
    server.bookmark_seconds = 0.05
    watched.start()
    for number in range(3):
        server.put("/api/v1/secrets", f"s{number}")  # versions of other kinds
    passed = server.version
    watched.until(lambda: int(watched.cache._feed._version) >= passed)
    server.cut()
    watched.until(lambda: len(watched.asked(watch=True)) == 2)
    assert int(watched.asked(watch=True)[1].query["resourceVersion"]) >= passed


def test_after_410_it_lists_again_and_tells_what_it_missed(server, watched):
    put(server, "stays", "1")
    put(server, "changes", "1")
    put(server, "goes", "1")
    again = put(server, "again", "1")
    watched.start()
    server.faults.append(lambda request: status(500, "InternalError") if request.watches else None)
    server.cut()
    server.remove(MAPS, "goes")
    server.remove(MAPS, "again")
    put(server, "changes", "2")
    put(server, "again", "2")
    put(server, "comes", "1")
    server.forget()
    watched.until(lambda: len(watched.told) >= 9)
    assert sorted(watched.told[4:]) == [
        ("ADDED", None, "1"),  # comes
        ("ADDED", None, "2"),  # again, another object of that name
        ("DELETED", "1", None),  # goes
        ("DELETED", "1", None),  # again
        ("MODIFIED", "1", "2"),  # changes
    ]
    assert watched.cache.get("team", "again")["metadata"]["uid"] != again["metadata"]["uid"]
    assert len(watched.asked(watch=False)) == 2


def test_410_in_the_midst_of_a_watch_lists_again(server, watched):
    put(server, "c", "1")
    watched.start()
    server.forget()
    watched.until(lambda: len(watched.asked(watch=False)) == 2)
    put(server, "c", "2")
    watched.until(lambda: watched.values() == {"c": "2"})
    assert watched.told == [("ADDED", None, "1"), ("MODIFIED", "1", "2")]


def test_after_a_long_absence_410_is_answered_by_a_list_at_once(server, watched):
    put(server, "c", "1")
    watched.start()
    watched.cache._feed._failures = 20
    server.forget()
    watched.until(lambda: len(watched.asked(watch=False)) == 2, seconds=3)


def test_a_version_of_the_future_lists_again(server, watched):
    """A server restored from a backup knows less than we do, and says so with another status."""
    put(server, "c", "1")
    watched.start()

    def too_large(request):
        return status(504, "Timeout", "Too large resource version") if request.watches else None

    server.faults.extend([too_large] * feed.TRIES_BEFORE_LIST)
    server.cut()
    watched.until(lambda: len(watched.asked(watch=False)) == 2)


def test_an_event_that_is_not_understood_is_not_asked_for_without_end(server, watched, monkeypatch):
    monkeypatch.setattr(feed, "FIRST_PAUSE", 0.05)
    watched.start()
    server.put(MAPS, "c", data={"v": "1"}, metadata={"annotations": "none"})
    watched.until(lambda: "not understood" in watched.cache.problem)
    time.sleep(1)  # as below
    assert len(watched.asked(watch=True)) <= 12


def test_a_server_that_is_down_is_asked_with_growing_pauses(server, watched, monkeypatch):
    monkeypatch.setattr(feed, "FIRST_PAUSE", 0.05)
    watched.start()
    server.close()
    time.sleep(1.5)  # how often it asks in that time is what this is about
    tries = watched.api.requests["GET", 0]
    assert 2 <= tries <= 12
    assert "connection refused" in watched.cache.problem


def test_a_server_that_ends_every_watch_at_once_is_not_hammered(server, watched, monkeypatch):
    monkeypatch.setattr(feed, "FIRST_PAUSE", 0.05)
    server.watch_seconds = 0.001
    watched.start()
    time.sleep(1.5)  # as above
    assert 2 <= len(watched.asked(watch=True)) <= 15


def test_a_list_that_fails_is_tried_until_it_works(server, watched, caplog):
    put(server, "c", "1")
    server.fail(*[status(403, "Forbidden", "not yet")] * 3, Reply(drop=True))
    watched.start()
    assert watched.values() == {"c": "1"}
    assert [record.levelname for record in caplog.records].count("ERROR") == 0
    assert sum("not yet" in record.message for record in caplog.records) == 1


def test_a_frozen_server_is_noticed_and_found_again(server, watched, monkeypatch):
    monkeypatch.setattr(feed, "WATCH_SECONDS", (1, 1))
    monkeypatch.setattr(feed, "GRACE_SECONDS", 0.0)
    monkeypatch.setattr(feed, "ANSWER_SECONDS", 0.2)
    put(server, "c", "1")
    watched.start()
    server.running.clear()
    put(server, "c", "2")
    watched.until(lambda: "stays silent" in watched.cache.problem)
    assert watched.cache.silence() > 1
    assert watched.values() == {"c": "1"}
    server.running.set()
    watched.until(lambda: watched.values() == {"c": "2"})
    assert watched.cache.silence() < 1
    assert watched.cache.problem == ""


def test_silence_ends_with_a_bookmark(server, watched):
    server.bookmark_seconds = 0.3
    watched.start()
    watched.until(lambda: watched.cache.silence() > 0.2)
    watched.until(lambda: watched.cache.silence() < 0.1)


def test_a_handler_that_fails_does_not_stop_the_cache(server, tmp_path):
    def fail(event, old, new):
        raise RuntimeError(event)

    cache = Cache(server.api(tmp_path), CONFIGMAPS, "team", on_change=fail)
    put(server, "c", "1")
    cache.start()
    assert cache.wait_synced(5)
    put(server, "d", "1")
    end = time.monotonic() + 5
    while len(cache) < 2:
        assert time.monotonic() < end
    cache.stop()


@pytest.mark.parametrize("frozen", [False, True])
def test_it_stops_soon_whatever_it_waits_for(server, watched, frozen):
    watched.start()
    if frozen:
        server.running.clear()
        server.cut()
        watched.until(lambda: watched.cache.problem)
    begun = time.monotonic()
    watched.cache.stop()
    assert time.monotonic() - begun < (3 if frozen else 1)


def test_it_stops_before_it_was_synced(server, watched, caplog):
    server.faults.extend([lambda _: status(403, "Forbidden")] * 1000)
    watched.cache.start()
    watched.until(lambda: watched.cache.problem)
    begun = time.monotonic()
    watched.cache.stop()
    assert time.monotonic() - begun < 1
    assert not watched.cache.synced()
    assert not [record for record in caplog.records if record.exc_info]


def test_stopping_tells_no_changes(server, watched):
    put(server, "c", "1")
    watched.start()
    told = list(watched.told)
    server.faults.extend([lambda _: status(410, "Expired")] * 1000)
    server.cut()
    watched.until(lambda: watched.cache.problem)
    watched.cache.stop()
    assert watched.told == told
    assert watched.values() == {"c": "1"}
