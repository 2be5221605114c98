"""Whether an answer is in the language that was asked for, as far as letters can tell.

First level: scripts. An English answer to a Japanese question is told; an English answer to a
Spanish one is not, and counts as right: the script fits. Latin letters cannot tell the
languages that are written in them; that takes a model of each, and this module is where it
will stand: ``identify`` keeps its form, ``SIGNATURE`` changes with everything that can change
what it says.
"""

import unicodedata
from collections import Counter
from typing import Literal

from clt_jobs.languages.plain import without_quotes, words_only
from clt_jobs.languages.scripts import ALSO_WRITTEN, HEAVY, WRITTEN, letters
from clt_operator.api.languages import is_known, language

Told = Literal["right", "wrong", "unknown"]

SIGNATURE = f"script-v1,unicode-{unicodedata.unidata_version}"
ENOUGH = 4  # letters (heavy ones count twice): fewer tell nothing
MOST = 0.5  # share of the letters that must be of the language's scripts
HAN_ONLY = 12  # so many Han letters without any kana are not Japanese
KANA = 0.1  # a larger share of kana is not Chinese


def identify(text: str, code: str, *, prompt: str = "", reference: str = "") -> Told:
    """Whether ``text`` is in a script of the language ``code``; unknown with too few letters.

    Lines quoted from ``prompt`` count only where there is nothing else. Where the reference is
    itself in another script, the task asks for something else than words of its language (labels
    in English, say), and nothing is told.
    """
    if not is_known(code):
        return "unknown"
    if reference and _judge(letters(words_only(reference)), code) == "wrong":
        return "unknown"
    if prompt:
        told = _judge(letters(words_only(without_quotes(text, prompt))), code)
        if told != "unknown":
            return told
    return _judge(letters(words_only(text)), code)


def _judge(found: Counter[str], code: str) -> Told:
    asked = language(code)
    own = WRITTEN.get(asked.script, set()) | ALSO_WRITTEN.get(asked.code, set())
    weights = {script: count * (2 if script in HEAVY else 1) for script, count in found.items()}
    total = sum(weights.values())
    if total < ENOUGH or not own:
        return "unknown"
    if sum(weights.get(script, 0) for script in own) < MOST * total:
        return "wrong"
    return "wrong" if _other_han(found, asked.script) else "right"


def _other_han(found: Counter[str], script: str) -> bool:
    """Chinese where Japanese was asked for, or Japanese where Chinese was: they share Han."""
    if script == "Jpan":
        return found["HAN"] >= HAN_ONLY and not found["KANA"]
    if script in ("Hans", "Hant"):
        return found["KANA"] > KANA * (found["HAN"] + found["KANA"])
    return False
