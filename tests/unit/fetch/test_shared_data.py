"""The study's own files, where they are (CLT_DATA, or ``shared/data`` beside the tree)."""

import os
import re
from pathlib import Path

import pytest

BESIDE = Path(__file__).parents[4] / "shared" / "data"
DATA = Path(os.environ.get("CLT_DATA", BESIDE))
LANGUAGES = ["en", "es", "fr", "ja", "zh", "de", "ru", "th", "sw", "bn"]

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the study's data files are not here")


@pytest.mark.parametrize("language", LANGUAGES)
def test_msvamp(fetched, language: str) -> None:
    columns = {
        "prompt": "{question|strip}",
        "response": "{equation} = {answer|number}",
        "answer": "{answer|number}",
    }
    path = DATA / "msvamp" / f"test_{language}.json"
    rows, figures = fetched(path, format="json", language=language, columns=columns)
    assert figures["dropped"] == {}
    assert [row.item for row in rows] == [str(n) for n in range(1000)]
    assert rows[0].answer == "8"
    assert rows[0].response == "- number0 number1 = 8"


@pytest.mark.parametrize("language", [*LANGUAGES, "te"])
def test_mgsm(fetched, language: str) -> None:
    columns = {"prompt": "{0}", "answer": "{1|number}"}
    path = DATA / "mgsm" / f"mgsm_{language}.tsv"
    rows, _ = fetched(path, format="tsv", language=language, columns=columns)
    assert len(rows) == 250
    assert all(re.fullmatch(r"-?[0-9]+", row.answer) for row in rows)
    assert {"2125", "114200", "276000", "5600"} <= {row.answer for row in rows}


def test_gsm8k(fetched) -> None:
    columns = {
        "prompt": "{question}",
        "response": "{answer|unmarked}",
        "answer": "{answer|final|number}",
    }
    rows, _ = fetched(DATA / "gsm8k" / "test.jsonl", format="jsonl", columns=columns)
    assert len(rows) == 1319
    assert not any("<<" in row.response for row in rows)
    assert rows[0].answer == "18"
