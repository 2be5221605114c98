"""exact_match, rouge_l and chrf: hand-computed values in many scripts, and properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clt_jobs.metrics.lcs import lcs_length
from clt_jobs.metrics.records import Generation, Scored
from clt_jobs.metrics.registry import find
from clt_jobs.metrics.rouge import rouge_l_f1
from clt_jobs.metrics.text import words


def score(metric: str, output: str, response: str, **arguments: object) -> Scored:
    record = Generation("1", output, answer="", response=response)
    return find(metric).score([record], "en", arguments)


SENTENCES = [
    "नमस्ते दुनिया, आप कैसे हैं?",
    "今天天气很好。",
    "今日はいい天気です。",
    "วันนี้อากาศดีมาก",
    "الطقس جميل اليوم",
    "Сегодня хорошая погода",
    "오늘 날씨가 좋습니다",
    "L'été à Noël, où êtes-vous, señor?",
    "ວັນນີ້ອາກາດດີ",
    "ថ្ងៃនេះអាកាសធាតុល្អ",
    "ဒီနေ့ရာသီဥတုကောင်းတယ်",
    "ದಿನ ಚೆನ್ನಾಗಿದೆ",
    "!!! ... ???",
    "🙂🙃",
]


@pytest.mark.parametrize("text", SENTENCES)
def test_identical_strings_in_any_script_score_one(text: str) -> None:
    assert rouge_l_f1(text, text) == 1.0
    assert score("chrf", text, text).items[0].score == pytest.approx(1.0)
    assert score("exact_match", text, text).items[0].score == 1.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("L'été, c'est bien.", ["l", "été", "c", "est", "bien"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("我有3只猫", ["我", "有", "3", "只", "猫"]),
        ("ネコが 好き", ["ネ", "コ", "が", "好", "き"]),
        ("กำลัง", ["ก\u0e4d", "า", "ล\u0e31", "ง"]),  # NFKC splits sara am; marks stay attached
        ("Привет, мир", ["привет", "мир"]),
        ("한국어 문장", ["한국어", "문장"]),
        ("\u202bالسلام عليكم\u202c", ["السلام", "عليكم"]),
        ("می\u200cروم", ["میروم"]),  # a zero-width non-joiner cuts no word
        ("STRASSE straße", ["strasse", "strasse"]),
        ("ＡＢＣ１２", ["abc12"]),
        ("snake_case", ["snake", "case"]),
        ("", []),
        ("  \n", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("the cat sat", "the cat sat on the mat", 2 * 3 / 9),
        ("мама мыла раму", "мама раму", 2 * 2 / 5),
        ("我喜欢猫", "我喜欢狗", 2 * 3 / 8),
        ("मुझे बिल्ली पसंद है", "मुझे कुत्ता पसंद है", 2 * 3 / 8),
        ("ฉันรัก", "ฉันรัก แมว", 2 * 4 / 11),  # ฉั น รั ก / + แ ม ว
        ("أنا أحب القطط", "أنا القطط", 2 * 2 / 5),
        ("나는 고양이를 좋아한다", "나는 개를 좋아한다", 2 * 2 / 6),
        ("déjà vu", "deja vu", 2 * 1 / 4),  # accents distinguish words
        ("b a", "a b", 0.5),  # order counts
        ("", "something", 0.0),
        ("", "", 1.0),
    ],
)
def test_rouge_l_against_hand_computed_values(first: str, second: str, expected: float) -> None:
    assert rouge_l_f1(first, second) == pytest.approx(expected)


mixed = st.text(alphabet="aé bक्षि 中文กำあカ한ر.!", max_size=30)


@given(mixed, mixed)
def test_rouge_l_is_symmetric_and_bounded(first: str, second: str) -> None:
    value = rouge_l_f1(first, second)
    assert 0.0 <= value <= 1.0
    assert value == rouge_l_f1(second, first)


@given(st.text(max_size=50))
def test_rouge_l_of_any_text_with_itself_is_one(text: str) -> None:
    assert rouge_l_f1(text, text) == 1.0


tokens = st.lists(st.sampled_from("abcd"), max_size=80)


@given(tokens, tokens)
def test_bit_parallel_lcs_equals_the_textbook_recurrence(first: list[str], second: list[str]):
    table = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i, left in enumerate(first):
        for j, right in enumerate(second):
            table[i + 1][j + 1] = (
                table[i][j] + 1 if left == right else max(table[i][j + 1], table[i + 1][j])
            )
    assert lcs_length(first, second) == table[-1][-1]


def test_rouge_prints_its_signature() -> None:
    signature = score("rouge_l", "a", "a").signature
    assert signature.startswith("rouge_l|v:1|ref:response|score:f1|tokens:unicode-words")
    assert "thai" in signature


@given(st.lists(st.tuples(mixed, mixed), min_size=1, max_size=4))
def test_chrf_is_bounded_and_gives_a_corpus_score_and_sacrebleus_signature(pairs) -> None:
    records = [Generation(str(i), out, response=ref) for i, (out, ref) in enumerate(pairs)]
    scored = find("chrf").score(records, "en")
    assert all(0.0 <= item.score <= 1.0 + 1e-12 for item in scored.items)
    assert 0.0 <= scored.extras["corpus_score"] <= 1.0 + 1e-12
    assert "nw:2" in scored.signature
    assert "version:" in scored.signature


def test_chrf_against_a_hand_computed_value() -> None:
    # "ab" against "ac", orders 1 and 2 of characters and no words:
    # unigrams 1 of 2 match, bigrams 0 of 1: mean precision = mean recall = 0.25.
    value = score("chrf", "ab", "ac", char_order=2, word_order=0).items[0].score
    assert value == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("output", "response", "arguments", "expected"),
    [
        ("7 + 9 = 16", "7 + 9 = 16", {}, 1.0),
        (" 7 +  9 = 16\n", "7 + 9 = 16", {}, 1.0),
        (" 7 +  9 = 16\n", "7 + 9 = 16", {"whitespace": "keep"}, 0.0),
        ("１６", "16", {}, 1.0),
        ("１６", "16", {"nfkc": False}, 0.0),
        ("cafe\u0301", "café", {}, 1.0),
        ("Ja", "ja", {}, 0.0),
        ("Ja", "ja", {"casefold": True}, 1.0),
        ("«да».", "да", {}, 0.0),
        ("«да».", "да", {"punctuation": "strip_ends"}, 1.0),
        ("好。", "好", {"punctuation": "strip_ends"}, 1.0),
    ],
)
def test_exact_match_normalisations(output, response, arguments, expected) -> None:
    assert score("exact_match", output, response, **arguments).items[0].score == expected


def test_exact_match_counts_truncated_as_wrong_unless_told_otherwise() -> None:
    record = Generation("1", "16", response="16", finish_reason="length")
    wrong = find("exact_match").score([record], "en").items[0]
    assert (wrong.score, wrong.truncated) == (0.0, True)
    told = find("exact_match").score([record], "en", {"truncated_is_wrong": False}).items[0]
    assert (told.score, told.truncated) == (1.0, True)


def test_a_missing_reference_falls_back_to_the_answer_and_is_counted() -> None:
    scored = find("exact_match").score([Generation("1", "16", answer="16")], "en")
    assert scored.items[0].score == 1.0
    assert scored.extras["reference_fallbacks"] == 1


@pytest.mark.parametrize("metric", ["exact_match", "rouge_l", "chrf"])
def test_an_empty_output_is_a_failed_extraction(metric: str) -> None:
    item = score(metric, "", "reference").items[0]
    assert item.failed
    assert item.score == 0.0
