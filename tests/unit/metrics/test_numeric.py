"""numeric and math_accuracy: flexible, strict, truncated, failed; extraction is blind."""

from pathlib import Path

import pytest

from clt_jobs.metrics.numeric import Extractor
from clt_jobs.metrics.records import Generation
from clt_jobs.metrics.registry import find
from clt_operator.api.errors import InputError


def one(output: str, answer: str, language: str = "en", metric: str = "math_accuracy", **more):
    finish = more.pop("finish_reason", "stop")
    record = Generation("i1", output, answer=answer, finish_reason=finish)
    return find(metric).score([record], language, more)


@pytest.mark.parametrize(
    ("output", "answer", "language"),
    [
        ("Answer: 7 + 9 = 16", "16", "en"),
        ("5 + 6 = 11. La respuesta es 11.", "11", "es"),
        ("Das sind 2.125 Enten. Die Antwort lautet 2.125.", "2,125", "de"),
        ("Gana $2,125 por día", "2.125", "es"),  # a decimal comma, by the rule
        ("উত্তর হল ২৯।", "29", "bn"),
        ("คำตอบคือ ๑๑", "11", "th"),
        ("答案是三百二十一。", "321", "zh"),
        ("答えは8万です", "80000", "ja"),
        ("Il gagne 70 000 $", "70000", "fr"),
        ("الإجابة هي ١٨", "18", "ar"),
        ("16.0", "16", "en"),
    ],
)
def test_flexible_extraction(output: str, answer: str, language: str) -> None:
    item = one(output, answer, language).items[0]
    assert item.score == 1.0
    assert not item.failed


@pytest.mark.parametrize(
    ("output", "language", "strict"),
    [
        ("The answer is 11. Next question: 12", "en", "1"),
        ("so we get 11", "en", "none"),
        ("#### 11", "de", "1"),
        ("Answer: $11", "sw", "1"),
        ("La réponse est 11. La réponse est 12.", "fr", "0"),  # the last marker counts
        ("The answer is\n11", "en", "none"),  # not on another line
        ("Ответ — 11.", "ru", "1"),
        ("సమాధానం 11.", "te", "1"),
        ("Jibu ni 11.", "sw", "1"),
        ("答えは11です。", "ja", "1"),
    ],
)
def test_strict_extraction_is_kept_beside_the_flexible_one(output, language, strict) -> None:
    scored = one(output, "11", language)
    assert f"strict={strict}" in scored.items[0].flags.split(";")
    assert scored.extras["strict_mean"] == float(strict == "1")
    assert scored.extras["strict_failed"] == int(strict == "none")


def test_items_that_the_extractors_judge_differently_are_counted() -> None:
    scored = one("The answer is 11. Next question: 12", "11")
    assert scored.items[0].score == 0.0
    assert scored.extras["extractors_differ"] == 1


def test_a_pattern_replaces_the_markers() -> None:
    arguments = {"extract": "strict", "pattern": r"final=(\S+)"}
    assert one("final=7 then 9", "7", metric="numeric", **arguments).items[0].score == 1.0
    assert one("answer 7", "7", metric="numeric", **arguments).items[0].failed


@pytest.mark.parametrize("pattern", ["(", "no group"])
def test_a_pattern_that_cannot_extract_is_refused(pattern: str) -> None:
    with pytest.raises(InputError, match="pattern"):
        one("7", "7", metric="numeric", pattern=pattern)


def test_truncated_counts_as_wrong_and_is_counted() -> None:
    item = one("7 + 9 = 16", "16", finish_reason="length").items[0]
    assert (item.score, item.truncated, item.failed) == (0.0, True, False)
    told = one("7 + 9 = 16", "16", finish_reason="length", truncated_is_wrong=False).items[0]
    assert (told.score, told.truncated) == (1.0, True)


def test_no_number_is_a_failed_extraction() -> None:
    item = one("no idea", "16").items[0]
    assert (item.score, item.failed) == (0.0, True)


def test_extraction_never_sees_the_reference() -> None:
    output = "I think 3, or 4, or 5"
    got = {gold: one(output, gold).items[0].flags for gold in ("3", "4", "5")}
    assert set(got.values()) == {"got=5;strict=none"}
    assert "answer" not in Extractor.flexible.__code__.co_varnames


def test_a_gold_answer_that_is_no_number_is_the_inputs_fault() -> None:
    with pytest.raises(InputError, match=r"item 'i1': the gold answer 'many'"):
        one("7", "many")


def test_the_locale_rule_is_part_of_the_signature() -> None:
    assert "numbers:decimal-comma" in one("1", "1", "es").signature
    assert "numbers:decimal-point|" in one("1", "1", "en").signature
    assert "numbers:decimal-point+myriads+han-if-no-digits" in one("1", "1", "zh").signature


def test_a_model_that_repeats_digits_for_ever_is_scored_not_crashed() -> None:
    for text in ("9" * 9000, "九" * 9000, "9万" * 2000, "-" * 9000, "1," * 3000):
        assert one(text, "9", "zh").items[0].score in (0.0, 1.0)


def test_mgsm_answers_and_exemplars_read_alike_in_every_language(data_root: Path) -> None:
    import json

    exemplars = json.loads((data_root / "mgsm" / "exemplars.json").read_text())
    golds = json.loads((data_root / "mgsm" / "exemplar_answers.json").read_text())
    wanted = golds["number_answers"]
    for language, shots in exemplars.items():
        records = [
            Generation(str(i), shots[str(i + 1)]["a"], answer=str(wanted[i]))
            for i in range(len(wanted))
        ]
        scored = find("math_accuracy").score(records, language)
        assert [item.score for item in scored.items] == [1.0] * len(wanted), language
        assert scored.extras["strict_mean"] == 1.0, language
    for path in sorted((data_root / "mgsm").glob("*.tsv")):
        for line in path.read_text().splitlines():
            answer = line.split("\t")[-1]
            assert one(f"= {answer.replace(',', '')}", answer).items[0].score == 1.0
