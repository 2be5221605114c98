"""gc, delete and invalidate over a store, as a user calls them."""

import json
import os
import time

import pytest
from support.commands import cltctl

from clt_operator.store.invalidation import tombstones

OLD = 30 * 86400.0


def age(applied) -> None:
    """Everything in the store was written a month ago."""
    then = time.time() - OLD
    for path in applied.artifacts.store.root.rglob("*"):
        os.utime(path, (then, then))


def commit(applied, *kinds):
    for step in applied.steps:
        if not kinds or step.kind in kinds:
            applied.end(step, "committed")


def phase():
    return json.loads(cltctl("get", "experiments", "-o", "json").out)[0]


# delete


def test_delete_drops_the_root_and_leaves_the_artifacts(applied):
    commit(applied)
    done = cltctl("delete", "small")
    assert (done.code, done.out) == (0, "experiment/small deleted\n")
    count = len(applied.steps)
    assert done.err.splitlines() == [
        f"{count} artifacts that no other experiment wants stay until they are collected",
        f"next: cltctl gc --store {applied.artifacts.store.root}",
    ]
    assert len(applied.artifacts.committed()) == count
    assert cltctl("delete", "small").err.startswith("error: no experiment 'small'")


# gc


def test_gc_of_a_store_in_which_everything_is_wanted(applied):
    commit(applied)
    age(applied)
    done = cltctl("gc")
    assert done.code == 0
    assert done.err.splitlines()[-1] == "nothing to free"
    assert done.out.split() == ["WHAT", "KIND", "COUNT", "SIZE", "WHEN"]


def test_gc_shows_first_and_deletes_with_yes(applied):
    commit(applied, "fetch")
    applied.artifacts.drop_root("default", "small")
    age(applied)
    shown = cltctl("gc")
    count = sum(step.kind == "fetch" for step in applied.steps)
    assert f"results that no experiment wants  fetch  {count} " in shown.out
    assert shown.err.splitlines()[-1] == (
        "dry run: nothing was deleted. next: cltctl gc --yes --grace 7d "
        f"--store {applied.artifacts.store.root}"
    )
    assert len(applied.artifacts.committed()) == count
    done = cltctl("gc", "--yes")
    assert f"{count} results are uncommitted; their files go with a gc after" in done.err
    assert applied.artifacts.committed() == set()


def test_gc_without_grace_frees_at_once(applied):
    commit(applied, "fetch")
    cltctl("delete", "small")
    done = cltctl("gc", "--yes", "--grace", "0")
    assert done.code == 0
    assert "freed " in done.err
    assert list(applied.artifacts.store.list("")) == []


def test_gc_tells_what_is_too_young(applied):
    commit(applied, "fetch")
    cltctl("delete", "small")
    done = cltctl("gc")
    assert "too young" in done.out
    assert "are too young" in done.err.splitlines()[-1]


def test_gc_in_json(applied):
    commit(applied, "fetch")
    cltctl("delete", "small")
    age(applied)
    found = json.loads(cltctl("gc", "-o", "json").out)
    assert found["experiments"] == 0
    assert {row["what"] for row in found["items"]} == {"artifact", "experiment"}
    assert found["later"] == sum(r["bytes"] for r in found["items"] if r["what"] == "artifact")
    names = cltctl("gc", "-o", "name").out.split()
    assert "experiment/default/small" in names
    done = json.loads(cltctl("gc", "-o", "json", "--yes", "--grace", "0").out)
    assert done["freed"]["objects"] > 0


# invalidate


def test_invalidate_says_what_is_computed_again_and_does_it(applied):
    commit(applied)
    step = applied.first("train", k="10")
    dry = cltctl("invalidate", "small", step.key, "--dry-run")
    assert dry.code == 0
    assert "train" in dry.out.splitlines()[0]
    assert dry.out.splitlines()[1].startswith("experiment/small in default: ")
    assert dry.err == "dry run: nothing was changed\n"
    assert phase()["phase"] == "Complete"
    done = cltctl("invalidate", "small", step.key[:12], "--reason", "a bad disk")
    assert (done.code, done.out) == (0, dry.out)
    assert phase()["phase"] == "Incomplete"
    (stone,) = tombstones(applied.artifacts, step.key)
    assert stone.reason == "a bad disk"
    described = cltctl("describe", "small", step.key, "-o", "json")
    assert "a bad disk" in json.loads(described.out)["invalidated"][0]


def test_invalidate_by_kind_and_labels(applied):
    commit(applied)
    done = cltctl(
        "invalidate", "small", "--kind", "train", "-l", "k=10", "--reason", "x", "-o", "json"
    )
    assert done.code == 2  # it has no other form
    done = cltctl("invalidate", "small", "--kind", "train", "-l", "k=10", "--reason", "x")
    assert done.code == 0
    rows = json.loads(cltctl("get", "steps", "small", "--kind", "train", "-o", "json").out)
    assert {row["k"]: row["phase"] for row in rows}["10"] != "done"
    assert [row["phase"] for row in rows].count("done") == len(rows) - 1


def test_what_failed_on_it_gets_a_fresh_budget(applied):
    rows = applied.first("fetch", language="en", task="t")
    applied.end(rows, "committed")
    reader = next(s for s in applied.steps if any(i.key == rows.key for i in s.inputs))
    applied.end(reader, "input-at-fault", "rows are damaged")
    assert phase()["failed"] == 1
    cltctl("invalidate", "small", rows.key, "--reason", "damaged")
    assert phase()["failed"] == 0


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ([], 2, "say which: cltctl invalidate NAME KEY, or --kind, or --selector"),
        (["--kind", "train"], 2, "say why with --reason: it is kept beside the steps"),
        (["zzzzzz", "--reason", "x"], 1, "no step of small has a key that starts with 'zzzzzz'"),
        (["--selector", "k"], 2, "say why with --reason"),
        (["--selector", "k", "--reason", "x"], 2, "write name=value, separated by commas"),
    ],
)
def test_invalidate_wants_to_know_what_and_why(applied, words, code, message):
    done = cltctl("invalidate", "small", *words)
    assert (done.code, done.out) == (code, "")
    assert message in done.err


def test_nothing_to_invalidate(applied):
    done = cltctl("invalidate", "small", "--kind", "train", "--reason", "x")
    assert (done.code, done.out) == (0, "")
    assert done.err == "nothing of these was computed yet: there is nothing to invalidate\n"
