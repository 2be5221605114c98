"""Names are the same for every store, and none of them leaves the store."""

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clt_operator.api.errors import StoreError
from clt_operator.store import layout
from clt_operator.store.names import check_name, check_prefix, check_word

KEYS = st.text("0123456789abcdef", min_size=64, max_size=64)
NUMBERS = st.integers(min_value=1, max_value=123_456)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/etc/passwd",
        "../outside",
        "a/../../outside",
        "a//b",
        "a/./b",
        "a/",
        "a\\b",
        "a\nb",
        "a\0b",
        ".tmp-1",
        "a/.tmp-1/b",
        "x" * 241,
        "/".join(["x" * 200] * 6),
        "\ud800",
    ],
)
def test_names_that_no_store_could_take_are_refused(name: str) -> None:
    with pytest.raises(StoreError, match="object name"):
        check_name(name)


@given(st.text(max_size=40))
def test_an_accepted_name_is_a_plain_relative_path(name: str) -> None:
    try:
        check_name(name)
    except StoreError:
        return
    path = PurePosixPath(name)
    assert not path.is_absolute()
    assert ".." not in path.parts
    assert str(path) == name


def test_names_may_be_in_any_script() -> None:
    assert check_name("rows/日本語/números.parquet") == "rows/日本語/números.parquet"


def test_a_prefix_may_be_empty_or_end_in_a_slash_but_not_traverse() -> None:
    assert check_prefix("") == ""
    assert check_prefix("a/b/") == "a/b/"
    with pytest.raises(StoreError):
        check_prefix("../")


@pytest.mark.parametrize("word", ["", ".hidden", "a/b", "..", "a b", "é", "x" * 300])
def test_keys_and_experiment_names_are_plain_words(word: str) -> None:
    with pytest.raises(StoreError, match="key"):
        check_word(word, "key")


@given(KEYS, NUMBERS)
def test_key_and_attempt_are_read_back_from_names(key: str, number: int) -> None:
    assert layout.numbered(layout.claim(key, number)) == (key, number)
    assert layout.numbered(layout.outcome(key, number)) == (key, number)
    assert layout.key_of(layout.committed(key)) == key
    assert layout.key_of(layout.document(key)) == key


@pytest.mark.parametrize("name", ["committed/x.txt", "committed/a/b.json", "committed/README"])
def test_a_strangers_object_is_no_key(name: str) -> None:
    assert layout.key_of(name) is None
    assert layout.numbered(name) is None


def test_an_experiment_cannot_name_anothers_directory() -> None:
    with pytest.raises(StoreError, match="experiment name"):
        layout.experiment("default", "../other")
