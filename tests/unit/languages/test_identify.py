"""What letters tell of an answer's language, and where they tell nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clt_jobs.languages.identify import identify
from clt_jobs.languages.scripts import WRITTEN, letters
from clt_operator.api.languages import LANGUAGES, language

SENTENCES = {
    "en": "She bought three apples and gave one of them away, so two are left.",
    "es": "Compró tres manzanas y regaló una de ellas, así que quedan dos.",
    "vi": "Cô ấy mua ba quả táo và cho đi một quả, nên còn lại hai quả.",
    "ru": "Она купила три яблока и отдала одно, значит, осталось два.",
    "uk": "Вона купила три яблука й віддала одне, отже, залишилося два.",
    "el": "Αγόρασε τρία μήλα και χάρισε το ένα, άρα μένουν δύο.",
    "ar": "اشترت ثلاث تفاحات وأعطت واحدة منها، فبقي اثنتان.",
    "fa": "او سه سیب خرید و یکی را بخشید، پس دو تا مانده است.",
    "he": "היא קנתה שלושה תפוחים ונתנה אחד, ולכן נשארו שניים.",
    "hi": "उसने तीन सेब खरीदे और एक दे दिया, इसलिए दो बचे हैं।",
    "bn": "সে তিনটি আপেল কিনে একটি দিয়ে দিল, তাই দুটি রইল।",
    "te": "ఆమె మూడు ఆపిల్స్ కొని ఒకటి ఇచ్చింది, కాబట్టి రెండు మిగిలాయి.",
    "ta": "அவள் மூன்று ஆப்பிள்கள் வாங்கி ஒன்றைக் கொடுத்தாள், இரண்டு மீதம்.",
    "th": "เธอซื้อแอปเปิลสามลูกและให้ไปหนึ่งลูก จึงเหลือสองลูก",
    "ja": "彼女はりんごを三つ買って一つあげたので、二つ残っています。",
    "zh": "她买了三个苹果，送出去一个，所以还剩两个。",
    "zh-Hant": "她買了三個蘋果，送出去一個，所以還剩兩個。",
    "ko": "그녀는 사과 세 개를 사서 하나를 주었으므로 두 개가 남았습니다.",
    "am": "ሦስት ፖም ገዛች አንዱንም ሰጠች፤ ስለዚህ ሁለት ቀሩ።",
    "ka": "მან სამი ვაშლი იყიდა და ერთი გასცა, ამიტომ ორი დარჩა.",
    "my": "သူမ ပန်းသီးသုံးလုံးဝယ်ပြီး တစ်လုံးပေးလိုက်သည်။",
    "km": "នាងបានទិញផ្លែប៉ោមបី ហើយឲ្យទៅមួយ ដូច្នេះនៅសល់ពីរ។",
}
UNKNOWN = "unknown"


def one_script(first: str, second: str) -> bool:
    """Whether letters cannot tell the two apart."""
    pair = {language(first).script, language(second).script}
    return len(pair) == 1 or pair == {"Hans", "Hant"}


@pytest.mark.parametrize("said", SENTENCES)
@pytest.mark.parametrize("asked", SENTENCES)
def test_a_sentence_is_wrong_exactly_where_its_script_is_anothers(asked: str, said: str) -> None:
    wanted = "right" if one_script(asked, said) else "wrong"
    assert identify(SENTENCES[said], asked) == wanted


def test_every_registered_language_has_a_script_that_can_be_told() -> None:
    assert {entry.script for entry in LANGUAGES} <= set(WRITTEN)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n",
        "42",
        "3.14 × 2 = 6.28",
        "٣٫١٤",
        "—…!?。「」",
        "🍎🍎🍎 → 🍏",
        "ok",
        "x = 5",
        "12 km",
        "$x + y = z \\text{total}$",
        "\\boxed{42}",
        "```python\nprint('hello world')\n```",
        "`total_apples`",
        "https://example.org/some/long/path",
        "<answer>42</answer>",
        "二",
    ],
)
@pytest.mark.parametrize("asked", ["en", "ja", "ar"])
def test_without_words_nothing_is_told(asked: str, text: str) -> None:
    assert identify(text, asked) == UNKNOWN


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("ja", "PythonのNumPyライブラリを使います。"),
        ("ja", "東京都千代田区"),  # short, without kana
        ("ja", "三十五"),
        ("zh", "他在Google工作，年薪是30万美元。"),
        ("ko", "서울(Seoul)에서 부산까지 400 km입니다."),
        ("ko", "북한(北韓)의 수도는 평양이다."),
        ("th", "คำตอบคือ 42 USD"),
        ("en", "The Greek letter π is a number."),
        ("sr", "Она је купила три јабуке."),
        ("sr", "Ona je kupila tri jabuke."),
        ("ja", "ﾘﾝｺﾞを２つ買った"),
        ("en", "Ｆｕｌｌ ｗｉｄｔｈ"),
        ("ru", "Ответ: $x_1 = \\frac{total}{number}$, то есть `result`"),
        ("zh", "答案是：```def answer():\n    return total```"),
    ],
)
def test_names_units_formulas_and_code_do_not_make_an_answer_wrong(asked: str, text: str) -> None:
    assert identify(text, asked) == "right"


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("ja", "The answer is 42."),
        ("ko", "答案是四十二"),
        ("ru", "Otvet: sorok dva"),  # the language perhaps, the script not
        ("en", "Ответ: 42"),
        ("zh", "答えは四十二です"),  # Han with kana is not Chinese
        ("ja", "她买了三个苹果，送出去一个，所以还剩两个。"),  # much Han, no kana
    ],
)
def test_another_script_is_a_wrong_language(asked: str, text: str) -> None:
    assert identify(text, asked) == "wrong"


def test_languages_of_one_script_are_not_told_apart() -> None:
    assert identify(SENTENCES["en"], "es") == "right"
    assert identify(SENTENCES["uk"], "ru") == "right"


def test_a_language_that_is_not_registered_cannot_be_told() -> None:
    assert identify(SENTENCES["en"], "tlh") == UNKNOWN


def test_what_is_quoted_of_the_prompt_is_not_the_answer() -> None:
    prompt = f"Question: {SENTENCES['ja']}\n{SENTENCES['ja']}\nAnswer:"
    quoting = f"{SENTENCES['ja']}\nTwo apples are left."
    assert identify(quoting, "ja") == "right"
    assert identify(quoting, "ja", prompt=prompt) == "wrong"


def test_an_answer_that_is_only_quoted_counts_as_it_is() -> None:
    assert identify(SENTENCES["ja"], "ja", prompt=SENTENCES["ja"]) == "right"


def test_a_reference_in_another_script_says_that_no_word_of_the_language_was_asked_for() -> None:
    assert identify("positive", "ja", reference="negative") == UNKNOWN
    assert identify("positive", "ja", reference="否定的です") == "wrong"
    assert identify("positive", "ja", reference="42") == "wrong"


SPEECHLESS = st.text(
    st.characters(categories=["Nd", "Nl", "No", "P", "S", "Z", "Cc", "Mn"]), max_size=60
).filter(lambda text: not letters(text))
ASKED = st.sampled_from([entry.code for entry in LANGUAGES])


@given(ASKED, SPEECHLESS)
def test_digits_marks_and_punctuation_tell_nothing(asked: str, text: str) -> None:
    assert identify(text, asked) == UNKNOWN


@given(ASKED, st.text(max_size=80), st.text(max_size=80), st.text(max_size=40))
def test_any_text_is_judged(asked: str, text: str, prompt: str, reference: str) -> None:
    told = identify(text, asked, prompt=prompt, reference=reference)
    assert told in ("right", "wrong", UNKNOWN)


@given(st.sampled_from(list(SENTENCES)), ASKED, st.text(st.characters(categories=["Nd", "P"])))
def test_digits_beside_words_change_nothing(said: str, asked: str, more: str) -> None:
    kept = more.replace("`", "").replace("~", "").replace("@", "").replace("\\", "")
    assert identify(f"{SENTENCES[said]} {kept}", asked) == identify(SENTENCES[said], asked)


@given(st.sampled_from(list(SENTENCES)), ASKED)
def test_saying_it_twice_does_not_change_what_is_told(said: str, asked: str) -> None:
    twice = f"{SENTENCES[said]} {SENTENCES[said]}"
    assert identify(twice, asked) == identify(SENTENCES[said], asked)
