"""Rows asked for against rows there are: said before anything runs, with what to do."""

import pytest
from support.specs import spec_of

from clt_operator.api.lock import LanguageRows, Lock, SourceLock, data_request
from clt_operator.plan.counts import check_counts


def problems(data, *, train=None, test=None, exemplars=None):
    """What is wrong, given rows per language of the parts of the first task."""
    spec = spec_of(data)
    sources = {}
    for name, rows in (("train", train), ("test", test), ("exemplars", exemplars)):
        if rows is not None:
            part = getattr(spec.tasks[0], name)
            languages = {code: LanguageRows(rows=count) for code, count in rows.items()}
            sources[data_request(part)] = SourceLock(source=part.source, languages=languages)
    return [
        str(p) for p in check_counts(spec, Lock(clt_version="0", kind_versions={}, sources=sources))
    ]


HINT = "(lower the counts, or let rows repeat with train.maxRepeats)"


def test_enough_is_enough(small):
    assert problems(small, train={"en": 100, "es": 20, "ja": 20}, test={"en": 50}) == []


def test_the_largest_demand_of_each_language_is_told(small):
    assert problems(small, train={"en": 99, "es": 5, "ja": 20}) == [
        f"spec.sweeps[0]: task 't' needs 100 rows of 'en', its source has 99 {HINT}",
        f"spec.sweeps[0]: task 't' needs 20 rows of 'es', its source has 5 {HINT}",
    ]


def test_what_the_lock_does_not_know_is_not_judged(small):
    assert problems(small) == []
    assert problems(small, train={"es": None}) == []


def test_validation_items_go_off_first(small):
    small["train"] = {"validationItems": 10}
    assert problems(small, train={"en": 110, "es": 29}) == [
        "spec.sweeps[0]: task 't' needs 20 rows of 'es', beside 10 validation items its source "
        f"has 19 {HINT}"
    ]


def test_repeats_go_as_far_as_they_are_allowed(small):
    small["train"] = {"maxRepeats": 4}
    assert problems(small, train={"en": 25, "es": 4}) == [
        "spec.sweeps[0]: task 't' needs 20 rows of 'es', with every row 4 times its source has "
        f"16 {HINT}"
    ]


def test_a_control_may_need_more_of_the_pivot(small):
    small["sweeps"][0]["controls"] = ["pivot_matched"]
    assert problems(small, train={"en": 139}) == [
        f"spec.sweeps[0]: task 't' needs 140 rows of 'en', its source has 139 {HINT}"
    ]


def test_quotas_in_tokens_are_not_rows(small):
    small["sweeps"][0]["unit"] = "tokens"
    assert problems(small, train={"en": 1}) == []


def test_an_axis_may_ask_for_more(small):
    small["sweeps"][0]["axes"] = {"sweep.pivotSamples": [50, 500]}
    (problem,) = problems(small, train={"en": 200})
    assert "needs 500 rows of 'en'" in problem


def test_stages_are_counted_too(small):
    small["stages"] = [
        {"name": "b", "model": "m", "tasks": ["t"], "languages": ["ko"], "samples": 9}
    ]
    assert problems(small, train={"ko": 8}) == [
        f"spec.stages[0].samples: task 't' needs 9 rows of 'ko', its source has 8 {HINT}"
    ]
    del small["stages"][0]["samples"]  # everything
    assert problems(small, train={"ko": 8}) == []


def split(small, items):
    del small["tasks"][0]["test"]
    small["tasks"][0] |= {"split": {"testFraction": 0.25}, "testItems": items}
    return small


def test_a_split_leaves_its_share_for_training(small):
    assert problems(split(small, 10), train={"en": 132, "es": 200, "ja": 200, "ar": 200}) == [
        "spec.sweeps[0]: task 't' needs 100 rows of 'en', its training part has at most 99 " + HINT
    ]


def test_a_split_is_sure_to_give_its_share_for_testing(small):
    assert problems(split(small, 50), train={"en": 200, "ar": 196}) == [
        "spec.tasks[0].testItems: task 't' tests 50 rows of 'ar', its test part is only sure to "
        "have 49 (lower testItems, or raise split.testFraction)"
    ]


def test_test_items_that_are_not_there(small):
    assert problems(small, test={"en": 49, "es": 50}) == [
        "spec.tasks[0].test.items: task 't' tests 50 rows of 'en', its source has 49 "
        "(lower the items)"
    ]


@pytest.mark.parametrize(("choice", "count"), [("native", 2), ("pivot", 1)])
def test_worked_examples_that_are_not_there(small, choice, count):
    small["tasks"][0] |= {
        "generation": {"shots": 8, "exemplarLanguage": choice},
        "exemplars": {
            "source": "jsonl:shots.jsonl",
            "columns": {"prompt": "{q}", "response": "{a}"},
        },
    }
    found = problems(small, exemplars={"en": 7, "ja": 7})
    assert len(found) == count
    assert found[0] == (
        "spec.tasks[0].generation.shots: task 't' shows 8 rows of 'en', its source has 7 "
        "(lower generation.shots)"
    )
