"""Generated tokenizers: one token a character, nothing unknown, nothing lost."""

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clt_jobs.models.load import load_tokenizer, save_tokenizer
from clt_jobs.models.tokenizers import build_tokenizer
from clt_operator.api.errors import InputError

WORDS = ["siete", "七", "なな", "سبعة", "일곱", "семь", "เจ็ด", "más"]


@cache
def tokenizer(name: str = "characters") -> Any:
    return build_tokenizer(name, frozenset("".join(WORDS)))


@pytest.mark.parametrize("word", WORDS)
def test_characters_of_the_alphabet_are_single_tokens(word: str) -> None:
    assert len(tokenizer()(word)["input_ids"]) == len(word)


@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=40))
@settings(max_examples=100, deadline=None)
@pytest.mark.parametrize("name", ["characters", "bytes"])
def test_decoding_gives_the_text_back(name: str, text: str) -> None:
    ids = tokenizer(name)(text, add_special_tokens=False)["input_ids"]
    assert tokenizer(name).decode(ids) == text


def test_a_character_outside_the_alphabet_becomes_its_bytes() -> None:
    assert tokenizer().convert_ids_to_tokens(tokenizer()("ß")["input_ids"]) == ["<0xC3>", "<0x9F>"]


def test_bytes_has_one_token_per_byte_whatever_the_alphabet() -> None:
    assert len(tokenizer("bytes")("七七a")["input_ids"]) == 7
    assert len(tokenizer("bytes")) == 2 + 256


def test_end_and_padding_differ_and_nothing_is_put_before_a_text() -> None:
    made = tokenizer()
    assert made.pad_token_id != made.eos_token_id
    assert made.bos_token_id is None
    assert len(made("a")["input_ids"]) == 1


def test_the_same_alphabet_in_any_order_is_the_same_files(tmp_path: Path) -> None:
    for name, alphabet in (("a", "zéb"), ("b", "bzéz")):
        save_tokenizer(build_tokenizer("characters", alphabet), tmp_path / name)
    assert files(tmp_path / "a") == files(tmp_path / "b")


def test_saving_what_was_loaded_changes_no_byte(tmp_path: Path) -> None:
    save_tokenizer(tokenizer(), tmp_path / "a")
    save_tokenizer(load_tokenizer(tmp_path / "a"), tmp_path / "b")
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert load_tokenizer(tmp_path / "b")("siete")["input_ids"] == tokenizer()("siete")["input_ids"]


def files(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir())}


def test_characters_needs_an_alphabet() -> None:
    with pytest.raises(InputError, match="needs an alphabet"):
        build_tokenizer("characters", "")


def test_an_unknown_tokenizer_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="'words': known are bytes, characters"):
        build_tokenizer("words", "ab")
