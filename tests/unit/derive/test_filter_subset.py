"""filter and subset: what is dropped is counted by its reason."""

import pytest

from clt_jobs.data.rows import Row, read_rows
from clt_operator.api.errors import InputError

ROWS = [
    Row(id="0", item="0", language="en", prompt="short", provenance="human"),
    Row(id="1", item="1", language="en", prompt="somewhat longer", provenance="machine"),
    Row(id="2", item="2", language="en", prompt=None, extra='{"year":2020,"who":"x"}'),
]


@pytest.mark.parametrize(
    ("arguments", "kept", "dropped"),
    [
        (
            {"field": "provenance", "equals": "human"},
            "0",
            {"provenance is not 'human'": 1, "provenance is null": 1},
        ),
        (
            {"field": "prompt", "minimum_length": 6},
            "1",
            {"prompt is shorter than 6": 1, "prompt is null": 1},
        ),
        (
            {"field": "prompt", "maximum_length": 5},
            "0",
            {"prompt is longer than 5": 1, "prompt is null": 1},
        ),
        ({"field": "prompt", "maximum_length": 15}, "01", {"prompt is null": 1}),
        (
            {"field": "prompt", "matches": "^some|x$"},
            "1",
            {"prompt does not match": 1, "prompt is null": 1},
        ),
        ({"field": "extra.year", "equals": "2020"}, "2", {"extra.year is null": 2}),
        ({"field": "extra.who", "equals": "x"}, "2", {"extra.who is null": 2}),
    ],
)
def test_filter_keeps_what_passes_and_counts_the_rest(derived, arguments, kept, dropped) -> None:
    context = derived("filter", ROWS, **arguments)
    assert [row.item for row in read_rows(context.output("rows"))] == list(kept)
    assert context.figures == {"rows": len(kept), "read": 3, "dropped": dropped}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"field": "prompt"}, "give exactly one of equals, minimum_length"),
        ({"field": "prompt", "equals": "a", "matches": "b"}, "give exactly one of"),
        ({"field": "promt", "equals": "a"}, "unknown field 'promt': item, cluster"),
        ({"field": "prompt", "matches": "("}, "matches is no regular expression"),
        ({"field": "prompt", "equal": "a"}, "equal: Extra inputs .*known arguments: field, equals"),
        ({"field": "prompt", "equals": "nothing"}, "leaves none of 3 rows .*is null: 1"),
    ],
)
def test_a_wrong_filter_is_named(derived, arguments, message: str) -> None:
    with pytest.raises(InputError, match=message):
        derived("filter", ROWS, **arguments)


def many(language: str) -> list[Row]:
    return [Row(id=f"{n}:{language}", item=str(n), language=language) for n in range(50)]


def test_subsets_nest_and_are_the_same_in_every_language(derived) -> None:
    def items(language: str, count: int) -> list[str]:
        context = derived("subset", many(language), items=count, seed=3)
        assert context.figures["dropped"] == {"not in the subset": 50 - count}
        return [row.item for row in read_rows(context.output("rows"))]

    assert items("en", 10) == items("ja", 10)
    assert set(items("en", 10)) < set(items("en", 20))
    assert items("en", 10) == sorted(items("en", 10), key=int)


def test_more_items_than_there_are_is_an_error(derived) -> None:
    with pytest.raises(InputError, match="51 items asked for, the source has 50"):
        derived("subset", many("en"), items=51)


def test_an_unknown_operation_names_the_nearest(derived) -> None:
    message = "did you mean 'filter'.* known: cluster, filter, split, subset"
    with pytest.raises(InputError, match=message):
        derived("filtre", ROWS)
