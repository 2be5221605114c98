"""Generated number tasks: parallel items in every language, in the language's own script."""

import unicodedata

import pytest

from clt_jobs.data.generators import alphabet_of, generate, generator_names, spellable
from clt_jobs.data.generators.spelling import PLUS, speller
from clt_jobs.data.rows import Row
from clt_operator.api.errors import InputError
from clt_operator.api.languages import language

SCRIPT_NAMES = {
    "Latn": {"LATIN"},
    "Cyrl": {"CYRILLIC"},
    "Arab": {"ARABIC"},
    "Hebr": {"HEBREW"},
    "Jpan": {"CJK", "HIRAGANA", "KATAKANA"},
    "Hans": {"CJK"},
    "Hang": {"HANGUL"},
    "Thai": {"THAI"},
    "Beng": {"BENGALI"},
    "Telu": {"TELUGU"},
}


def rows(name: str, code: str, **arguments: int) -> list[Row]:
    return list(generate(f"number-words/{name}", code, arguments))


def by_item(name: str, code: str) -> dict[str, Row]:
    return {row.item: row for row in rows(name, code)}


def test_the_family_has_four_tasks() -> None:
    assert generator_names() == [
        f"number-words/{name}" for name in ("digit-sums", "readings", "sums", "words")
    ]


@pytest.mark.parametrize(
    ("name", "item", "prompt", "response", "answer"),
    [
        ("digit-sums", "7+9", "7 + 9", "16", "16"),
        ("words", "9", "nueve", "9", "9"),
        ("readings", "7+9", "siete más nueve", "7 + 9", "7 + 9"),
        ("sums", "7+9", "siete más nueve ?", "7 + 9 = 16", "16"),
    ],
)
def test_what_a_row_says(name: str, item: str, prompt: str, response: str, answer: str) -> None:
    row = by_item(name, "es")[item]
    assert (row.prompt, row.response, row.answer) == (prompt, response, answer)
    assert (row.id, row.language) == (f"{item}:es", "es")


@pytest.mark.parametrize(
    ("code", "prompt"),
    [
        ("en", "seven plus nine ?"),
        ("fr", "sept plus neuf ?"),
        ("ja", "七足す九 ?"),
        ("zh", "七加九 ?"),
        ("ar", "سبعة زائد تسعة ?"),
        ("ko", "칠 더하기 구 ?"),
        ("pt", "sete mais nove ?"),
        ("de", "sieben plus neun ?"),
    ],
)
def test_sums_in_the_studys_languages(code: str, prompt: str) -> None:
    assert by_item("sums", code)["7+9"].prompt == prompt


@pytest.mark.parametrize("code", spellable())
def test_number_words_are_distinct_and_in_the_languages_own_script(code: str) -> None:
    spoken = language(code)
    spell = speller(spoken)
    spelled = [spell(number) for number in range(100)]
    assert len(set(spelled)) == 100
    for word in [*spelled, PLUS[code]]:
        letters = [char for char in word if char.isalpha()]
        assert letters
        assert not any(char.isdigit() for char in word if unicodedata.category(char) == "Nd")
        names = {unicodedata.name(char).split()[0] for char in letters}
        assert names <= SCRIPT_NAMES[spoken.script]


@pytest.mark.parametrize("name", ["digit-sums", "words", "readings", "sums"])
def test_items_are_shared_over_languages(name: str) -> None:
    expected = [row.item for row in rows(name, "en")]
    assert len(expected) == (21 if name == "words" else 441)
    for code in ("ja", "ar", "zh", "de"):
        assert [row.item for row in rows(name, code)] == expected


def test_a_count_keeps_the_same_items_in_every_language_and_nests() -> None:
    few = [row.item for row in rows("sums", "en", count=50, seed=4)]
    assert few == [row.item for row in rows("sums", "ko", count=50, seed=4)]
    assert set(few) < {row.item for row in rows("sums", "en", count=100, seed=4)}
    assert few != [row.item for row in rows("sums", "en", count=50, seed=5)]


def test_commuted_sums_share_a_cluster() -> None:
    found = by_item("sums", "en")
    assert found["7+9"].cluster == found["9+7"].cluster == "7+9"


def test_digit_sums_need_no_number_words() -> None:
    assert [row.prompt for row in rows("digit-sums", "sw")] == [
        row.prompt for row in rows("digit-sums", "en")
    ]


def test_a_language_without_number_words_is_refused_by_naming_those_there_are() -> None:
    with pytest.raises(InputError, match=r"no number words for Swahili \(sw\): there are en es fr"):
        rows("sums", "sw")


def test_an_unknown_generator_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'number-words/sums'"):
        rows("sum", "en")


def test_wrong_arguments_name_the_field() -> None:
    with pytest.raises(InputError, match=r"maximun: .*known: maximum, count, seed"):
        rows("sums", "en", maximun=5)
    with pytest.raises(InputError, match=r"maximum: .*less than or equal to 999"):
        rows("sums", "en", maximum=10_000)
    with pytest.raises(InputError, match=r"500 rows asked for.* make 441"):
        rows("sums", "en", count=500)


def test_the_alphabet_covers_every_task() -> None:
    alphabet = alphabet_of(["en", "ja", "ar"], 20)
    assert list(alphabet) == sorted(set(alphabet))
    for code in ("en", "ja", "ar"):
        for name in ("digit-sums", "words", "readings", "sums"):
            for row in rows(name, code):
                assert set(f"{row.prompt}{row.response}{row.answer}") <= set(alphabet)
