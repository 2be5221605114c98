"""Quotas in samples, tokens and supervised tokens; repeats; totals that meet a reference."""

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from support.mixtures import make_mixture, make_table, make_tables

from clt_jobs.data.mixture import Realised, realise
from clt_operator.api.errors import InputError
from clt_operator.api.kinds.train import Match


def got(realised: Realised, name: str, unit: str) -> int:
    record = realised.record(realised.epoch_samples)
    return next(c[unit] for c in record["components"] if c["input"] == name)


@pytest.mark.parametrize("unit", ["tokens", "supervised_tokens"])
@given(quota=st.integers(1, 1000))
@settings(max_examples=30, deadline=None)
def test_a_quota_in_tokens_is_the_smallest_prefix_that_reaches_it(unit: str, quota: int) -> None:
    tables = make_tables()
    reached = realise(make_mixture({"en": quota}, unit=unit), tables)
    samples = reached.epoch_samples
    assert got(reached, "en", unit) >= quota
    if samples > 1:
        assert got(realise(make_mixture({"en": samples - 1}), tables), "en", unit) < quota


def test_a_source_that_runs_out_names_task_language_asked_and_available() -> None:
    with pytest.raises(InputError, match=r"task MR, language es: asked 291 samples, available 290"):
        realise(make_mixture({"en": 10, "es": 291}, validation=10), make_tables())


def test_repeats_are_whole_passes_then_a_prefix_and_counted() -> None:
    realised = realise(make_mixture({"en": 250}, max_repeats=3), {"en": make_table(100)})
    rows = realised.slice(0, 250).row.tolist()
    assert sorted(rows[:100]) == sorted(rows[100:200]) == list(range(100))
    assert rows[:100] != rows[100:200]
    assert len(set(rows[200:])) == 50
    figures = realised.record(250)["components"][0]
    assert (figures["samples"], figures["unique"], figures["repeated"]) == (250, 100, 150)


def test_every_epoch_repeats_the_same_rows() -> None:
    realised = realise(make_mixture({"en": 250}, max_repeats=3), {"en": make_table(100)}, epochs=2)
    epochs = [realised.slice(start, start + 250).row.tolist() for start in (0, 250)]
    assert sorted(epochs[0]) == sorted(epochs[1])
    assert epochs[0] != epochs[1]


def test_repeats_stop_at_their_cap() -> None:
    with pytest.raises(InputError, match="asked 301 samples, available 300, each row at most 3"):
        realise(make_mixture({"en": 301}, max_repeats=3), {"en": make_table(100)})


@given(st.integers(1, 200), st.integers(0, 60), st.integers(20, 120))
@settings(max_examples=40, deadline=None)
def test_a_matched_total_is_within_half_a_row_per_component(
    pivot: int, k: int, reference: int
) -> None:
    tables = make_tables(600)
    match = Match(unit="supervised_tokens", quotas={"en": reference})
    mixture = make_mixture({"en": pivot, "es": k, "fr": k}, match=match)
    assume(pivot + 2 * k >= 10)
    realised = realise(mixture, tables)
    total = realised.record(realised.epoch_samples)["total"]["supervised_tokens"]
    asked = realise(make_mixture({"en": reference}), tables).record(reference)["total"]
    longest = max(int(tables[name].supervised.max()) for name in ("en", "es", "fr"))
    assert abs(total - asked["supervised_tokens"]) <= 3 * longest / 2


def test_matching_scales_all_quotas_by_one_factor() -> None:
    match = Match(unit="supervised_tokens", quotas={"en": 200})
    realised = realise(make_mixture({"en": 200, "es": 100}, match=match), make_tables())
    pivot, other = (part.samples for part in realised.parts)
    assert pivot < 200
    assert abs(pivot - 2 * other) <= 1
    assert realised.record(0)["match"]["factor"] == pytest.approx(pivot / 200, abs=0.01)


def test_matching_more_than_the_sources_hold_is_refused() -> None:
    match = Match(unit="tokens", quotas={"en": 300})
    with pytest.raises(InputError, match="to match"):
        realise(
            make_mixture({"es": 10, "en": 0}, match=match),
            make_tables(300) | {"es": make_table(20)},
        )


@pytest.mark.parametrize(
    ("quotas", "reference", "message"),
    [
        ({"en": 10}, {"es": 10}, "es, which it does not read"),
        ({"en": 0}, {"en": 10}, "all 0"),
        ({"en": 10}, {"en": 0}, "all 0"),
    ],
)
def test_a_match_that_means_nothing_is_refused(quotas, reference, message) -> None:
    with pytest.raises(InputError, match=message):
        realise(make_mixture(quotas, match=Match(quotas=reference)), make_tables())
