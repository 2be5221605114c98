"""Text as metrics compare it: Unicode normal form, case, invisible characters, words.

Words are runs of letters, digits and their combining marks in any script. Scripts that are
written without spaces between words (Han, kana, Thai, Lao, Khmer, Burmese) give one token per
character, marks attached, so that no dictionary enters the score.
"""

import unicodedata
from functools import cache

UNSPACED = "han+kana+thai+lao+khmer+myanmar"

# (first, last) code points of the scripts above.
_UNSPACED_RANGES = (
    (0x0E00, 0x0E7F),  # Thai
    (0x0E80, 0x0EFF),  # Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x19E0, 0x19FF),  # Khmer symbols
    (0x3005, 0x3007),  # iteration mark, closing mark, ideographic zero
    (0x3040, 0x30FF),  # Hiragana, Katakana
    (0x31F0, 0x31FF),  # Katakana extensions
    (0x3400, 0x4DBF),  # Han, extension A
    (0x4E00, 0x9FFF),  # Han
    (0xA9E0, 0xA9FF),  # Myanmar extended B
    (0xAA60, 0xAA7F),  # Myanmar extended A
    (0xF900, 0xFAFF),  # Han, compatibility
    (0x1B000, 0x1B16F),  # kana supplement and extensions
    (0x20000, 0x3FFFF),  # Han, extensions B onwards
)

_SEPARATOR, _JOINED, _SINGLE, _MARK, _IGNORED = range(5)


def fold(text: str, *, case: bool = True) -> str:
    """NFKC and, with ``case``, full case folding: what is the same text compares equal."""
    text = unicodedata.normalize("NFKC", text)
    return unicodedata.normalize("NFKC", text.casefold()) if case else text


def words(text: str) -> list[str]:
    """Tokens of a text (casefolded, NFKC): words, or characters where no spaces are written.

    A text without any letter or digit gives its visible characters, so that identical texts
    always have identical, non-empty tokens unless they are blank.
    """
    text = fold(text)
    tokens: list[str] = []
    current = ""
    single = False
    for character in text:
        kind = _character_class(character)
        if kind == _IGNORED:
            continue
        if kind == _MARK and current:
            current += character
            continue
        if current and (single or kind != _JOINED):
            tokens.append(current)
            current = ""
        if kind in (_JOINED, _SINGLE):
            current += character
            single = kind == _SINGLE
    if current:
        tokens.append(current)
    return tokens or [character for character in text if not character.isspace()]


@cache
def _character_class(character: str) -> int:
    category = unicodedata.category(character)
    if category == "Cf":  # joiners, direction marks, soft hyphens
        return _IGNORED
    if category[0] == "M":
        return _MARK
    if category[0] not in "LN":
        return _SEPARATOR
    point = ord(character)
    single = any(first <= point <= last for first, last in _UNSPACED_RANGES)
    return _SINGLE if single else _JOINED
