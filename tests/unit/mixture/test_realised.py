"""A realised mixture is random access into one sequence, named by its fingerprint."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.mixtures import make_mixture, make_table, make_tables

from clt_jobs.data.mixture import realise, shuffled
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.train import Component, Mixture

QUOTAS = {"en": 97, "es": 13, "fr": 13, "ja": 7}


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_any_stretch_equals_that_of_the_whole(data: st.DataObject) -> None:
    realised = realise(make_mixture(QUOTAS), make_tables(), epochs=2.5)
    whole = realised.slice(0, len(realised))
    start = data.draw(st.integers(0, len(realised)))
    stop = data.draw(st.integers(start, len(realised)))
    part = realised.slice(start, stop)
    assert part.component.tolist() == whole.component[start:stop].tolist()
    assert part.row.tolist() == whole.row[start:stop].tolist()


def test_an_epoch_visits_each_row_of_the_subset_once_in_a_new_order() -> None:
    realised = realise(make_mixture(QUOTAS), make_tables(), epochs=2)
    n = realised.epoch_samples
    first, second = realised.slice(0, n), realised.slice(n, 2 * n)
    assert first.component.tolist() == second.component.tolist()
    assert first.row.tolist() != second.row.tolist()
    for index, quota in enumerate(QUOTAS.values()):
        rows = [set(each.row[each.component == index].tolist()) for each in (first, second)]
        assert rows[0] == rows[1]
        assert len(rows[0]) == quota


@pytest.mark.parametrize(("epochs", "length"), [(0.1, 13), (1, 130), (2.5, 325), (0.999, 129)])
def test_fractional_epochs_are_cut_to_whole_samples(epochs: float, length: int) -> None:
    assert len(realise(make_mixture(QUOTAS), make_tables(), epochs=epochs)) == length


def test_a_stated_number_of_samples_overrides_epochs() -> None:
    realised = realise(make_mixture(QUOTAS), make_tables(), epochs=1, samples=1000)
    assert len(realised) == 1000
    assert len(realised.slice(990, 1000).row) == 10


def test_the_same_mixture_is_the_same_sequence() -> None:
    first, second = (realise(make_mixture(QUOTAS), make_tables()) for _ in range(2))
    assert first.fingerprint == second.fingerprint
    assert first.slice(0, 130).row.tolist() == second.slice(0, 130).row.tolist()


def test_the_sequence_of_a_release_is_kept_for_ever() -> None:
    """Golden: a change here means that finished trainings would read other rows. Raise
    ``ALGORITHM`` and the version of the train kind with it."""
    realised = realise(make_mixture({"en": 5, "es": 2}, validation=2), make_tables(10))
    samples = realised.slice(0, 7)
    assert samples.component.tolist() == [0, 0, 1, 0, 0, 0, 1]
    assert samples.row.tolist() == [6, 0, 1, 8, 4, 1, 0]
    assert realised.validation["en"].tolist() == [3, 5]


@pytest.mark.parametrize(
    "change",
    [
        {"order_seed": 1},
        {"subset_seed": 1},
        {"alignment": "independent"},
        {"max_repeats": 2},
        {"validation": 1},
    ],
)
def test_whatever_may_change_the_order_changes_the_fingerprint(change: dict) -> None:
    tables = make_tables()
    assert (
        realise(make_mixture(QUOTAS), tables).fingerprint
        != realise(make_mixture(QUOTAS, **change), tables).fingerprint
    )


def test_other_tokens_change_the_fingerprint() -> None:
    tables = make_tables()
    other = tables | {"es": make_table(300, seed=99)}
    mixture = make_mixture(QUOTAS)
    assert realise(mixture, tables).fingerprint != realise(mixture, other).fingerprint


def test_the_order_seed_changes_the_order_alone() -> None:
    rows = [
        realise(make_mixture({"en": 50}, order_seed=seed), make_tables()).slice(0, 50).row.tolist()
        for seed in (0, 1)
    ]
    assert rows[0] != rows[1]
    assert sorted(rows[0]) == sorted(rows[1])


def test_parallel_languages_are_not_visited_in_lock_step() -> None:
    tables = make_tables()
    realised = realise(make_mixture({"en": 50, "es": 50}), tables)
    samples = realised.slice(0, 100)
    visits = [samples.row[samples.component == index].tolist() for index in (0, 1)]
    assert sorted(visits[0]) == sorted(visits[1])
    assert visits[0] != visits[1]


@given(st.integers(0, 325))
@settings(max_examples=30, deadline=None)
def test_the_record_counts_what_was_read(position: int) -> None:
    tables = make_tables()
    realised = realise(make_mixture(QUOTAS), tables, epochs=2.5)
    samples = realised.slice(0, position)
    record = realised.record(position)
    for index, figures in enumerate(record["components"]):
        table = tables[figures["input"]]
        rows = samples.row[samples.component == index]
        assert figures["asked"] == QUOTAS[figures["language"]]
        assert figures["samples"] == len(rows)
        assert figures["tokens"] == table.tokens[rows].sum()
        assert figures["supervised_tokens"] == table.supervised[rows].sum()
        assert figures["unique"] == len(set(rows.tolist()))
        assert figures["repeated"] == len(rows) - figures["unique"]
    assert record["total"]["samples"] == position
    assert record["tasks"] == {"MR": record["total"]}
    assert sum(each["tokens"] for each in record["languages"].values()) == record["total"]["tokens"]


@given(st.integers(0, 3000), st.integers(0, 2**64 - 1), st.integers(0, 3000))
@settings(max_examples=50, deadline=None)
def test_shuffled_is_a_permutation_whose_prefixes_keep_their_order(size, seed, shorter) -> None:
    whole = shuffled(size, seed)
    assert sorted(whole.tolist()) == list(range(size))
    shorter = min(shorter, size)
    assert whole[whole < shorter].tolist() == shuffled(shorter, seed).tolist()


def test_positions_outside_the_sequence_are_refused() -> None:
    realised = realise(make_mixture(QUOTAS), make_tables())
    for start, stop in ((-1, 3), (5, 131), (9, 3)):
        with pytest.raises(IndexError):
            realised.slice(start, stop)
    assert np.array_equal(realised.slice(7, 7).row, [])


def component(name: str) -> Component:
    return Component(input=name, task="MR", language="en", quota=1)


@pytest.mark.parametrize(
    ("mixture", "message"),
    [
        (Mixture(components=[]), "no components"),
        (Mixture(components=[component("en"), component("en")]), "several components"),
        (Mixture(components=[component("xx")]), "xx has no tokens"),
        (make_mixture({"en": 0}), "no sample"),
    ],
)
def test_a_mixture_that_reads_nothing_is_refused(mixture: Mixture, message: str) -> None:
    with pytest.raises(InputError, match=message):
        realise(mixture, make_tables())
