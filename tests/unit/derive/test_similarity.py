"""Near-duplicate search: exact, whatever the index skips."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clt_jobs.derive.similarity import Components, link_similar, shingles

SETS = st.lists(
    st.frozensets(st.sampled_from([f"s{n}" for n in range(9)]), min_size=1, max_size=7), max_size=12
)


def components(count: int, links: list[tuple[int, int]]) -> list[int]:
    found = Components(count)
    for one, other in links:
        found.join(one, other)
    return [found.find(at) for at in range(count)]


@given(SETS, st.sampled_from([0.1, 0.25, 0.3, 0.5, 0.6, 0.75, 0.9, 1.0]))
@settings(max_examples=200, deadline=None)
def test_the_index_finds_every_similar_pair(sets: list[frozenset[str]], threshold: float) -> None:
    indexed = Components(len(sets))
    link_similar(sets, threshold, indexed)
    links = [
        (i, j)
        for i, j in combinations(range(len(sets)), 2)
        if len(sets[i] & sets[j]) * 1000 >= round(threshold * 1000) * len(sets[i] | sets[j])
    ]
    assert [indexed.find(at) for at in range(len(sets))] == components(len(sets), links)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9))))
def test_a_component_is_named_by_its_first_member(links: list[tuple[int, int]]) -> None:
    roots = components(10, links)
    for one, other in links:
        assert roots[one] == roots[other]
    assert all(roots[at] <= at for at in range(10))


def test_numbers_and_case_are_masked() -> None:
    assert shingles("Julia had 18 kids, 3.5 dogs") == shingles("julia had 2,125 kids 7 dogs")
    assert shingles("a b c d") == {"a b c", "b c d"}


@pytest.mark.parametrize(("text", "expected"), [("", {""}), ("One two", {"one two"})])
def test_a_short_text_is_one_shingle(text: str, expected: set[str]) -> None:
    assert shingles(text) == expected


def test_characters_stand_for_words_in_scripts_without_spaces() -> None:
    assert shingles("有18个人", spaceless=True) == {"有 # 个", "# 个 人"}
    assert shingles("有18个人") == {"有 # 个人"}
