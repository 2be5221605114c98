"""The reference study's arithmetic: what is distinct, and how large every mixture is."""

import pytest
from support.specs import LOCK, spec_of

from clt_operator.plan.build import plan
from clt_operator.plan.check import check


def counts(reference):
    found = plan(spec_of(reference), LOCK).counts
    return [found[name] for name in ("runs", "trainings", "evaluations", "cells")]


def test_the_reference_study_has_no_mistakes(reference):
    assert check(spec_of(reference)) == []


def test_one_seed_leaves_146_distinct_trainings_of_152_runs(reference):
    assert counts(reference) == [152, 146, 210, 1680]


def test_three_seeds(reference):
    reference["seeds"] = [0, 1, 2]
    assert counts(reference) == [456, 438, 630, 5040]


def test_the_repeats_are_the_english_only_points_of_the_script_mixes(reference):
    found = plan(spec_of(reference), LOCK)
    places: dict[str, list] = {}
    for point, key in zip(found.points, found.trainings, strict=True):
        places.setdefault(key, []).append(point)
    shared = [points for points in places.values() if len(points) > 1]
    assert len(shared) == 3
    for points in shared:
        assert {(p.k, p.model) for p in points} == {(0, "base-7b")}
        assert {p.mix for p in points} == {"all4", "latin", "nonlatin"}


@pytest.mark.parametrize(
    ("sweep", "size"),
    [
        ("single", lambda k: 10000 + 4 * k),
        ("scripts", lambda k: 10000 + 2 * k),
        ("multi", lambda k: 15000 + 12 * k),
    ],
)
def test_mixture_sizes(reference, sweep, size):
    points = [p for p in plan(spec_of(reference), LOCK).points if p.sweep == sweep]
    assert points
    for point in points:
        assert sum(count for _, _, count in point.quotas) == size(point.k)


def test_multi_task_points(reference):
    points = [p for p in plan(spec_of(reference), LOCK).points if p.sweep == "multi"]
    assert sorted({p.k for p in points}) == [0, 100, *range(500, 7001, 500)]
    assert len(points) == 32
