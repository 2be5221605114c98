"""split: whole items or clusters on one side, the same side in every language."""

from collections.abc import Mapping
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clt_jobs.data.rows import Row, read_rows
from clt_jobs.derive.split import SplitArguments, items_of_test
from clt_operator.api.errors import InputError


def rows_of(items: list[str], language: str) -> list[Row]:
    return [Row(id=f"{i}:{language}", item=i, language=language, prompt=i) for i in items]


def parts(context) -> tuple[list[Row], list[Row]]:
    return read_rows(context.output("train")), read_rows(context.output("test"))


ITEMS = [str(n) for n in range(60)]
CLUSTERS = {item: str(int(item) // 3) for item in ITEMS}


def test_parts_are_disjoint_and_complete(derived) -> None:
    rows = rows_of(ITEMS, "en")
    context = derived("split", rows, test_fraction=0.25, seed=1)
    train, test = parts(context)
    assert sorted(train + test, key=lambda row: int(row.item)) == rows
    assert len(test) == 15
    assert context.figures == {
        "rows": 60,
        "train_rows": 45,
        "train_items": 45,
        "test_rows": 15,
        "test_items": 15,
        "dropped": {},
    }


def test_the_split_is_the_same_in_every_language(derived) -> None:
    _, english = parts(derived("split", rows_of(ITEMS, "en"), CLUSTERS, test_fraction=0.3))
    _, japanese = parts(derived("split", rows_of(ITEMS[::-1], "ja"), CLUSTERS, test_fraction=0.3))
    assert {row.item for row in english} == {row.item for row in japanese}


def test_a_language_that_lacks_rows_has_the_same_sides(derived) -> None:
    _, whole = parts(derived("split", rows_of(ITEMS, "en"), CLUSTERS, test_fraction=0.3))
    _, part = parts(derived("split", rows_of(ITEMS[:40], "th"), CLUSTERS, test_fraction=0.3))
    assert {row.item for row in part} == {row.item for row in whole} & set(ITEMS[:40])


def test_clusters_stay_whole_and_test_rows_carry_theirs(derived) -> None:
    context = derived("split", rows_of(ITEMS, "en"), CLUSTERS, test_fraction=0.3, seed=5)
    train, test = parts(context)
    assert not {CLUSTERS[row.item] for row in train} & {CLUSTERS[row.item] for row in test}
    assert all(row.cluster == CLUSTERS[row.item] for row in test)
    assert context.figures["test_clusters"] == 6
    assert context.figures["test_rows"] == 18


def test_an_item_without_a_cluster_forms_its_own(derived) -> None:
    known = {item: cluster for item, cluster in CLUSTERS.items() if int(item) < 50}
    context = derived("split", rows_of(ITEMS[5:], "en"), known, test_fraction=0.5)
    train, test = parts(context)
    lone = [row for row in train + test if int(row.item) >= 50]
    assert all(row.cluster == row.item for row in lone)
    assert {row.item in {r.item for r in test} for row in lone} == {True, False}
    assert context.figures["items_without_cluster"] == 10
    assert context.figures["clustered_items_absent"] == 5


def test_an_own_cluster_is_kept_where_items_are_split(derived) -> None:
    rows = [Row(id="a", item="a", language="en", cluster="c"), *rows_of(["b", "d"], "en")]
    train, test = parts(derived("split", rows, test_fraction=0.4))
    assert {row.item: row.cluster for row in train + test} == {"a": "c", "b": None, "d": None}


CLUSTERED = st.dictionaries(
    st.text(st.characters(codec="ascii"), min_size=1, max_size=3),
    st.sampled_from("ABCDEFG"),
    min_size=1,
)
SEEDS = st.integers(0, 99)


@given(CLUSTERED, SEEDS, st.integers(1, 99))
def test_the_test_part_is_just_large_enough(
    clusters: Mapping[str, str], seed: int, percent: int
) -> None:
    arguments = SplitArguments(test_fraction=percent / 100, seed=seed)
    found = items_of_test(set(clusters), clusters, arguments)
    sizes = [list(clusters.values()).count(name) for name in {clusters[item] for item in found}]
    wanted = ceil(percent * len(clusters) / 100)
    assert len(found) == sum(sizes) >= wanted
    assert len(found) - max(sizes) < wanted


@given(CLUSTERED, SEEDS, st.data())
def test_a_larger_fraction_only_adds(
    clusters: Mapping[str, str], seed: int, data: st.DataObject
) -> None:
    low, high = sorted(data.draw(st.tuples(st.integers(1, 99), st.integers(1, 99))))
    small, large = (
        items_of_test(set(clusters), clusters, SplitArguments(test_fraction=p / 100, seed=seed))
        for p in (low, high)
    )
    assert small <= large


def test_seeds_give_other_parts() -> None:
    found = {
        frozenset(items_of_test(set(ITEMS), None, SplitArguments(test_fraction=0.3, seed=seed)))
        for seed in range(5)
    }
    assert len(found) == 5


def test_an_empty_part_is_an_error(derived) -> None:
    one = dict.fromkeys(ITEMS, "0")
    with pytest.raises(InputError, match="the train part of 60 rows would be empty"):
        derived("split", rows_of(ITEMS, "en"), one, test_fraction=0.3)


def test_the_same_rows_give_the_same_bytes(derived) -> None:
    written = [
        (derived("split", rows_of(ITEMS, "en"), CLUSTERS, test_fraction=0.3).output(name))
        for name in ("train", "train")
    ]
    assert written[0] != written[1]
    assert (written[0] / "rows.parquet").read_bytes() == (written[1] / "rows.parquet").read_bytes()
