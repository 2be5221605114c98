"""Numbers and sums in words, per language.

``num2words`` spells most languages; Chinese is our own. A language is listed here only if its
numbers 0 to 99 come out distinct and in its own script (a test says so), so that a release of
the library that answers in digits or in English is noticed. ``PLUS`` is what one says between
the two numbers of a sum.
"""

from collections.abc import Callable

from clt_jobs.data.generators import chinese
from clt_operator.api.errors import InputError
from clt_operator.api.languages import Language

PLUS = {
    "en": "plus",
    "es": "más",
    "fr": "plus",
    "ja": "足す",
    "zh": "加",
    "ar": "زائد",
    "ko": "더하기",
    "pt": "mais",
    "de": "plus",
    "it": "più",
    "ru": "плюс",
    "th": "บวก",
    "bn": "যোগ",
    "te": "ప్లస్",
    "tr": "artı",
    "vi": "cộng",
    "id": "tambah",
    "nl": "plus",
    "pl": "plus",
    "uk": "плюс",
    "fa": "به علاوه",
    "he": "ועוד",
    "cs": "plus",
    "sv": "plus",
    "da": "plus",
    "fi": "plus",
    "hu": "meg",
    "ro": "plus",
    "no": "pluss",
    "ca": "més",
}


def spellable() -> list[str]:
    """Codes of the languages whose numbers can be spelled, in the order of ``PLUS``."""
    return list(PLUS)


def speller(spoken: Language) -> Callable[[int], str]:
    """The function that spells a number from 0 in a language.

    Raises InputError, naming the languages there are, for one without a speller.
    """
    if spoken.code not in PLUS:
        raise InputError(
            f"no number words for {spoken.name} ({spoken.code}): there are {' '.join(PLUS)}"
        )
    if spoken.code == "zh":
        return chinese.spell
    from num2words import num2words

    def spell(number: int) -> str:
        return str(num2words(number, lang=spoken.code))

    return spell


def sum_in_words(spoken: Language, left: str, right: str) -> str:
    """``left`` plus ``right`` as one says it; joined in scripts without spaces."""
    gap = "" if spoken.spaceless else " "
    return gap.join((left, PLUS[spoken.code], right))
