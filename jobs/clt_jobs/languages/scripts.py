"""Scripts of letters, and the scripts that a language is written in.

The script of a letter is read off its Unicode name, so that there is no table of ranges to keep
up. What NFKC folds is folded first: full-width Latin, half-width kana, letters of formulas.
"""

import unicodedata
from collections import Counter
from functools import cache

# First word of a Unicode name -> script, where the word itself is not it.
_NAMED = {
    "CJK": "HAN",
    "IDEOGRAPHIC": "HAN",  # the iteration mark
    "BOPOMOFO": "HAN",
    "HIRAGANA": "KANA",
    "KATAKANA": "KANA",
    "KATAKANA-HIRAGANA": "KANA",  # the mark of a long vowel
}
_NO_SCRIPT = {"MODIFIER", "MASCULINE", "FEMININE", "SCRIPT", "DOUBLE-STRUCK"}

# ISO 15924 -> scripts as they are called here. Han alone tells no traditional from simplified.
WRITTEN = {
    "Latn": {"LATIN"},
    "Cyrl": {"CYRILLIC"},
    "Grek": {"GREEK"},
    "Arab": {"ARABIC"},
    "Hebr": {"HEBREW"},
    "Deva": {"DEVANAGARI"},
    "Beng": {"BENGALI"},
    "Guru": {"GURMUKHI"},
    "Gujr": {"GUJARATI"},
    "Taml": {"TAMIL"},
    "Telu": {"TELUGU"},
    "Knda": {"KANNADA"},
    "Mlym": {"MALAYALAM"},
    "Sinh": {"SINHALA"},
    "Thai": {"THAI"},
    "Laoo": {"LAO"},
    "Khmr": {"KHMER"},
    "Mymr": {"MYANMAR"},
    "Ethi": {"ETHIOPIC"},
    "Geor": {"GEORGIAN"},
    "Hang": {"HANGUL"},
    "Kore": {"HANGUL"},
    "Jpan": {"HAN", "KANA"},
    "Hans": {"HAN"},
    "Hant": {"HAN"},
}
ALSO_WRITTEN = {"sr": {"LATIN"}}  # by language: a second script that is as good

# A letter of these is a syllable or a word, and counts as two.
HEAVY = {"HAN", "KANA", "HANGUL", "ETHIOPIC"}


def letters(text: str) -> Counter[str]:
    """Letters of a text by script; digits, marks, punctuation and emoji are none."""
    found: Counter[str] = Counter()
    for character in unicodedata.normalize("NFKC", text):
        script = _script(character)
        if script:
            found[script] += 1
    return found


@cache
def _script(character: str) -> str:
    """The script of a letter; empty for what is no letter, or one of no script."""
    if unicodedata.category(character)[0] != "L":
        return ""
    first = unicodedata.name(character, "").partition(" ")[0]
    return "" if first in _NO_SCRIPT else _NAMED.get(first, first)
