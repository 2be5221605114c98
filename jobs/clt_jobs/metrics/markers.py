"""Phrases that announce a final answer, by language: what strict extraction looks for.

They are those of the worked examples of MGSM, which a model sees in its prompt, and the marks
of GSM8K ("####") and of plain instruction ("Answer:").
"""

import re
from functools import cache

MARKERS: dict[str, tuple[str, ...]] = {
    "ar": ("الإجابة هي", "الجواب هو"),
    "bn": ("উত্তর হল", "উত্তর হলো"),
    "de": ("Die Antwort ist", "Die Antwort lautet"),
    "en": ("The answer is",),
    "es": ("La respuesta es",),
    "fr": ("La réponse est",),
    "hi": ("उत्तर है",),
    "it": ("La risposta è",),
    "ja": ("答えは",),
    "ko": ("정답은", "답은"),
    "pt": ("A resposta é",),
    "ru": ("Ответ —", "Ответ -", "Ответ:"),
    "sw": ("Jibu ni",),
    "te": ("సమాధానం",),
    "th": ("คำตอบคือ",),
    "tr": ("Cevap",),
    "zh": ("答案是", "答案为", "答案為"),
}
ANYWHERE = ("####", "Answer:")


@cache
def marker_pattern(language: str) -> re.Pattern[str]:
    """Matches a marker of the language, of English or of none; case is ignored."""
    own = MARKERS.get(language.replace("_", "-").split("-")[0].lower(), ())
    phrases = sorted({*own, *MARKERS["en"], *ANYWHERE}, key=lambda text: (-len(text), text))
    return re.compile("|".join(re.escape(phrase) for phrase in phrases), re.IGNORECASE)
