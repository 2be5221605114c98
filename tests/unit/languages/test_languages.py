"""Every convention names one language; an unknown code names the nearest known one."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clt_operator.api.errors import CltError
from clt_operator.api.languages import (
    LANGUAGES,
    Language,
    UnknownLanguage,
    is_known,
    language,
    nearest,
)

# The table of the reference study: code, 639-1, 639-3, macro, script, FLORES, XL-Sum, mBART, URIEL.
STUDY = [
    ("en", "en", "eng", "", "Latn", "eng_Latn", "english", "en_XX", "eng"),
    ("es", "es", "spa", "", "Latn", "spa_Latn", "spanish", "es_XX", "spa"),
    ("fr", "fr", "fra", "", "Latn", "fra_Latn", "french", "fr_XX", "fra"),
    ("ja", "ja", "jpn", "", "Jpan", "jpn_Jpan", "japanese", "ja_XX", "jpn"),
    ("zh", "zh", "cmn", "zho", "Hans", "zho_Hans", "chinese_simplified", "zh_CN", "cmn"),
    ("ar", "ar", "arb", "ara", "Arab", "arb_Arab", "arabic", "ar_AR", "ara"),
    ("ko", "ko", "kor", "", "Hang", "kor_Hang", "korean", "ko_KR", "kor"),
    ("pt", "pt", "por", "", "Latn", "por_Latn", "portuguese", "pt_XX", "por"),
]
FURTHER = {
    *("de", "it", "ru", "th", "sw", "bn", "hi", "te", "tr", "vi", "id", "nl"),
    *("pl", "uk", "fa", "he", "ur", "ta", "el", "cs", "sv"),
}


@pytest.mark.parametrize("row", STUDY, ids=[row[0] for row in STUDY])
def test_the_studys_table_holds(row: tuple[str, ...]) -> None:
    found = language(row[0])
    assert row == (
        found.code,
        found.iso1,
        found.iso3,
        found.macro,
        found.script,
        found.flores,
        found.xlsum,
        found.mbart,
        found.uriel,
    )


@pytest.mark.parametrize("row", STUDY, ids=[row[0] for row in STUDY])
def test_any_convention_names_the_language(row: tuple[str, ...]) -> None:
    for spelling in filter(None, (*row[:4], *row[5:])):
        assert language(spelling).code == row[0]


def test_the_further_languages_are_known() -> None:
    assert [code for code in FURTHER if language(code).code != code] == []


def test_no_is_norwegian() -> None:
    assert language("no").name == "Norwegian"
    assert language("nb") is language("nob") is language("nor") is language("no")


def test_macro_codes_lead_to_the_individual_language() -> None:
    assert language("zho").iso3 == "cmn"
    assert language("ara").iso3 == "arb"
    assert language("swa").iso3 == "swh"
    assert language("fas").iso3 == "pes"


def test_no_spelling_belongs_to_two_languages() -> None:
    """But for the codes that traditional and simplified Chinese share: those mean simplified."""
    owners: dict[str, str] = {}
    for entry in LANGUAGES:
        for spelling in entry.spellings:
            folded = spelling.lower().replace("_", "-")
            if entry.code == "zh-Hant" and folded in {"zh", "cmn", "zho"}:
                continue
            assert owners.setdefault(folded, entry.code) == entry.code


def test_every_entry_is_well_formed() -> None:
    for entry in LANGUAGES:
        assert len(entry.iso1) == 2
        assert len(entry.iso3) == 3
        assert len(entry.macro) in (0, 3)
        assert entry.flores.partition("_")[2] == entry.script
        assert not entry.mbart or entry.mbart[:3] == f"{entry.iso1}_"
        assert len(entry.uriel) == 3
    assert len({entry.code for entry in LANGUAGES}) == len(LANGUAGES)


def test_scripts_without_spaces() -> None:
    assert {entry.code for entry in LANGUAGES if entry.spaceless} == {
        *("ja", "zh", "zh-Hant", "th", "my", "km", "lo")
    }
    assert not language("ko").spaceless


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("jp", "ja"),
        ("kr", "ko"),
        ("spannish", "es"),
        ("eng_Latin", "en"),
        ("pt-BR", "pt"),
        ("kor_Kore", "ko"),
        ("japanesse", "ja"),
        ("hindu", "hi"),
    ],
)
def test_an_unknown_code_names_the_nearest(wrong: str, meant: str) -> None:
    with pytest.raises(UnknownLanguage) as raised:
        language(wrong)
    assert isinstance(raised.value, CltError)
    assert raised.value.exit_code == 2
    assert language(raised.value.nearest).code == meant
    assert f"{wrong!r}: did you mean {raised.value.nearest!r}" in str(raised.value)


@given(st.sampled_from(LANGUAGES), st.data())
def test_case_and_separator_do_not_matter(entry: Language, data: st.DataObject) -> None:
    spelling = data.draw(st.sampled_from(entry.spellings))
    assert language(spelling.upper().replace("-", "_")) is language(spelling)
    assert nearest(spelling) == spelling


@given(st.text(max_size=30))
@settings(max_examples=50, deadline=None)
def test_nearest_is_always_known(code: str) -> None:
    assert is_known(nearest(code))


def test_the_registry_is_light() -> None:
    """It is on the import path of the CLI: standard library only."""
    code = (
        "import sys; import clt_operator.api.languages; "
        "print([m for m in ('pydantic', 'numpy', 'difflib', 'yaml') if m in sys.modules])"
    )
    root = Path(__file__).parents[3]
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    )
    assert ran.stdout.strip() == "[]"
