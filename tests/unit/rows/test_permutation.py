"""The one permutation of items: nested, shared over languages, independent of the file's order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clt_jobs.data.permutation import order, rank

IDS = st.lists(st.text(st.characters(exclude_categories=["Cs"])), unique=True, max_size=40)
SEEDS = st.integers(min_value=0, max_value=2**40)


def test_golden_ranks() -> None:
    """These numbers decide which items every study uses: they never change."""
    assert rank("0", 0) == GOLDEN["0", 0, ()]
    assert rank("7+9", 3, "subset") == GOLDEN["7+9", 3, ("subset",)]


@given(IDS, SEEDS)
def test_order_is_a_permutation_sorted_by_rank(ids: list[str], seed: int) -> None:
    found = order(ids, seed, "subset")
    assert sorted(found.tolist()) == list(range(len(ids)))
    ranks = [rank(ids[i], seed, "subset") for i in found]
    assert ranks == sorted(ranks)


@given(IDS, SEEDS, st.randoms())
def test_order_does_not_depend_on_the_files_order(ids: list[str], seed: int, random) -> None:
    shuffled = list(ids)
    random.shuffle(shuffled)
    first = [ids[i] for i in order(ids, seed)]
    assert first == [shuffled[i] for i in order(shuffled, seed)]


@given(IDS, SEEDS, st.data())
def test_order_does_not_depend_on_which_other_items_exist(
    ids: list[str], seed: int, data: st.DataObject
) -> None:
    part = [item for item in ids if data.draw(st.booleans())]
    whole = [ids[i] for i in order(ids, seed)]
    kept = set(part)
    assert [item for item in whole if item in kept] == [part[i] for i in order(part, seed)]


def test_subsets_nest() -> None:
    ids = [str(n) for n in range(1000)]
    permuted = [ids[i] for i in order(ids, 1)]
    assert set(permuted[:100]) < set(permuted[:200])


def test_seed_and_salt_give_other_orders() -> None:
    ids = [str(n) for n in range(100)]
    orders = [order(ids, 0), order(ids, 1), order(ids, 0, "a"), order(ids, 0, "a", "b")]
    assert len({tuple(found.tolist()) for found in orders}) == 4
    assert rank("x", 0, "ab", "c") != rank("x", 0, "a", "bc")
    assert rank("bx", 0, "a") != rank("x", 0, "ab")


def test_equal_ids_keep_their_order() -> None:
    assert order(["a", "a", "a"], 5).tolist() == [0, 1, 2]


def test_an_empty_list_has_an_empty_order() -> None:
    assert order([], 0).dtype == np.int64
    assert order(iter(["b", "a"]), 0).shape == (2,)


def test_ranks_are_spread_evenly() -> None:
    ranks = np.array([rank(str(n), 0) for n in range(4000)], dtype=np.float64) / 2.0**64
    counts, _ = np.histogram(ranks, bins=10, range=(0, 1))
    assert counts.min() > 320
    assert counts.max() < 480


GOLDEN = {
    ("0", 0, ()): 7641278680978715798,
    ("7+9", 3, ("subset",)): 15181462621111209593,
}
