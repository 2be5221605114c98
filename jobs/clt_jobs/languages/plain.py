"""An answer without what is in no language: code, formulas, addresses, tags, units, the prompt.

What is left is what the model said in words. Nothing is guessed about what a word means.
"""

import re

_FENCED = re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)", re.DOTALL)
_INLINE = re.compile(r"`[^`\n]*`")
_FORMULA = re.compile(
    r"\$\$.*?\$\$|\\\[.*?\\\]|\\\(.*?\\\)|(?<![\w$])\$(?!\s)[^$\n]+?(?<!\s)\$(?![\w$])", re.DOTALL
)
_COMMAND = re.compile(r"\\[A-Za-z]+")
_ADDRESS = re.compile(r"(?:https?://|www\.)\S+|\S+@\S+\.\w+")
_TAG = re.compile(r"</?[A-Za-z][^<>\n]*>|<\|[^|\n]*\|>")
_UNIT = re.compile(r"(?<=\d)\s?[A-Za-zµ°]{1,3}(?![A-Za-z])")
_STRIPPED = (_FENCED, _INLINE, _FORMULA, _COMMAND, _ADDRESS, _TAG, _UNIT)


def words_only(text: str) -> str:
    """The text with a blank for everything that is in no language."""
    for pattern in _STRIPPED:
        text = pattern.sub(" ", text)
    return text


def without_quotes(text: str, prompt: str) -> str:
    """The lines of an answer that do not stand in its prompt word for word."""
    said = {line.strip() for line in prompt.splitlines()}
    return "\n".join(line for line in text.splitlines() if line.strip() not in said)
