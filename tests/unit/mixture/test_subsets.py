"""Which rows a mixture may use: nested, held out, aligned over languages."""

import random
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.mixtures import LANGUAGES, items_of, make_mixture, make_table, make_tables

from clt_jobs.data.mixture import ComponentRows, Realised, realise
from clt_operator.api.errors import InputError

ALIGNMENTS = st.sampled_from(["parallel", "independent", "disjoint"])


def trained(realised: Realised, tables: dict[str, ComponentRows]) -> dict[str, set[str]]:
    """Items of one epoch, by language."""
    samples = realised.slice(0, realised.epoch_samples)
    return {
        part.component.language: set(
            items_of(tables[part.component.input], samples.row[samples.component == index])
        )
        for index, part in enumerate(realised.parts)
    }


@given(ALIGNMENTS, st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_promise_subsets_nest_as_quotas_grow(alignment: str, small: int, more: int, seed: int):
    tables = make_tables(450)
    sets = [
        trained(
            realise(
                make_mixture(
                    {"en": 100, "es": k, "fr": k, "ja": k},
                    validation=10,
                    alignment=alignment,
                    subset_seed=seed,
                ),
                tables,
            ),
            tables,
        )
        for k in (small, small + more)
    ]
    for language in LANGUAGES:
        assert sets[0][language] <= sets[1][language]


@given(ALIGNMENTS, st.integers(1, 75), st.integers(1, 20), st.integers(0, 9))
@settings(max_examples=40, deadline=None)
def test_validation_items_are_never_trained_on(alignment: str, quota: int, held: int, seed: int):
    tables = make_tables(400)
    mixture = make_mixture(
        dict.fromkeys(LANGUAGES, quota), validation=held, alignment=alignment, subset_seed=seed
    )
    realised = realise(mixture, tables)
    used = trained(realised, tables)
    for language in LANGUAGES:
        held_out = items_of(tables[language], realised.validation[language])
        assert len(held_out) == held
        assert not used[language] & set(held_out)


def test_validation_items_do_not_depend_on_the_quota() -> None:
    tables = make_tables()
    first, second = (
        realise(make_mixture({"en": quota, "es": 5}, validation=20), tables) for quota in (10, 280)
    )
    assert first.validation["en"].tolist() == second.validation["en"].tolist()


def test_parallel_languages_train_on_and_hold_out_the_same_items() -> None:
    tables = make_tables()
    realised = realise(make_mixture(dict.fromkeys(LANGUAGES, 50), validation=10), tables)
    used = trained(realised, tables)
    held = [set(items_of(tables[name], realised.validation[name])) for name in LANGUAGES]
    assert all(used[language] == used["en"] for language in LANGUAGES)
    assert all(items == held[0] for items in held)


def test_an_item_held_out_in_one_parallel_language_is_trained_on_in_none() -> None:
    tables = {"en": make_table(300), "es": make_table(40, seed=1, start=100)}
    realised = realise(make_mixture({"en": 250, "es": 20}, validation=10), tables)
    used = trained(realised, tables)
    assert not used["en"] & set(items_of(tables["es"], realised.validation["es"]))


def test_independent_languages_get_different_items() -> None:
    tables = make_tables()
    mixture = make_mixture(dict.fromkeys(LANGUAGES, 50), alignment="independent")
    used = trained(realise(mixture, tables), tables)
    assert all(used[a] != used[b] for a, b in combinations(LANGUAGES, 2))


@given(st.integers(1, 100), st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_disjoint_languages_share_no_item_but_with_the_pivot(quota: int, seed: int) -> None:
    tables = make_tables()
    quotas = {"en": 300, "es": quota, "fr": quota, "ja": quota}
    mixture = make_mixture(quotas, alignment="disjoint", subset_seed=seed)
    used = trained(realise(mixture, tables, pivot="en"), tables)
    assert all(not used[a] & used[b] for a, b in combinations(LANGUAGES[1:], 2))
    assert len(used["en"]) == 300  # and a third of the items is there for each other language


def test_an_item_that_a_language_lacks_is_dealt_to_the_next() -> None:
    tables = {"en": make_table(10), "es": make_table(300), "fr": make_table(90, seed=1)}
    mixture = make_mixture({"en": 1, "es": 200, "fr": 30}, alignment="disjoint")
    used = trained(realise(mixture, tables, pivot="en"), tables)  # 300 items, 90 of them shared
    assert (len(used["es"]), len(used["fr"])) == (200, 30)
    assert not used["es"] & used["fr"]


@given(st.randoms(use_true_random=False), ALIGNMENTS)
@settings(max_examples=20, deadline=None)
def test_the_order_of_a_table_does_not_matter(shuffler: random.Random, alignment: str) -> None:
    tables = make_tables(120)
    moved = {}
    for name, table in tables.items():
        places = list(range(120))
        shuffler.shuffle(places)
        moved[name] = ComponentRows(
            [table.items[p] for p in places], table.tokens[places], table.supervised[places]
        )
    mixture = make_mixture({"en": 90, "es": 20, "fr": 20}, validation=10, alignment=alignment)
    straight, shuffled = (realise(mixture, each, epochs=2) for each in (tables, moved))
    visits = [
        [(c, each[LANGUAGES[c]].items[r]) for c, r in zip(s.component, s.row, strict=True)]
        for each, s in ((tables, straight.slice(0, 260)), (moved, shuffled.slice(0, 260)))
    ]
    assert visits[0] == visits[1]


def test_rows_of_one_item_stay_on_one_side() -> None:
    table = make_table(60)
    table = ComponentRows([f"i{n // 3}" for n in range(60)], table.tokens, table.supervised)
    realised = realise(make_mixture({"en": 45}, validation=5), {"en": table})
    assert len(realised.validation["en"]) == 15
    used = trained(realised, {"en": table})["en"]
    assert not used & set(items_of(table, realised.validation["en"]))


def test_holding_out_more_items_than_there_are_names_them() -> None:
    with pytest.raises(InputError, match=r"MR, language en: .* 301 .* available are 300"):
        realise(make_mixture({"en": 1}, validation=301), make_tables())
