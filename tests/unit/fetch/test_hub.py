"""fetch through ``datasets``, from a local directory of the shape that a hub repository has."""

import errno
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clt_jobs.fetch.hub import _translated
from clt_operator.api.errors import InputError, TransientError

CARD = """---
configs:
- config_name: en
  data_files: [{split: train, path: en/train-*.parquet}, {split: test, path: en/test-*.parquet}]
- config_name: ja
  data_files: [{split: train, path: ja/train-*.parquet}]
---
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "org" / "name"
    for part, texts in {"en/train": ["a", "b"], "en/test": ["c"], "ja/train": ["あ"]}.items():
        path = root / f"{part}-00000-of-00001.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        table = {
            "question": texts,
            "answer": [1.5] * len(texts),
            "choices": [["x", "y"]] * len(texts),
        }
        pq.write_table(pa.table(table), path)
    (root / "README.md").write_text(CARD)
    return root


def test_config_and_split_choose_rows(repository: Path, fetched) -> None:
    columns = {"prompt": "{question}", "answer": "{answer}", "options": "{choices}"}
    request = {"format": "hf", "name": str(repository), "columns": columns}
    rows, figures = fetched(config="en", split="train", digest="0123abc", **request)
    assert [(r.id, r.prompt, r.answer, r.options) for r in rows] == [
        ("0:en", "a", "1.5", ("x", "y")),
        ("1:en", "b", "1.5", ("x", "y")),
    ]
    assert figures["rows"] == 2
    assert [r.prompt for r in fetched(config="en", split="test", **request)[0]] == ["c"]


def test_a_single_split_need_not_be_named(repository: Path, fetched) -> None:
    rows, _ = fetched(format="hf", name=str(repository), config="ja", language="ja")
    assert [row.prompt for row in rows] == ["あ"]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"config": "en"}, "name one of its splits: train, test"),
        ({"config": "en", "split": "dev"}, "no split 'dev': it has train, test"),
        ({"config": "fr", "split": "train"}, "cannot be loaded: ValueError: .*'fr' not found"),
        (
            {"config": "ja", "columns": {"prompt": "{qestion}"}},
            "did you mean 'question'",
        ),
    ],
)
def test_what_is_wrong_is_named(repository: Path, fetched, fields, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fetched(format="hf", name=str(repository), **fields)


class Refused(Exception):
    def __init__(self, status: int) -> None:
        self.response = type("Response", (), {"status_code": status})()
        super().__init__(f"status {status}")


@pytest.mark.parametrize(
    "error", [ConnectionError("x"), TimeoutError(), Refused(503), Refused(429)]
)
def test_faults_of_the_network_may_pass(error: Exception) -> None:
    assert isinstance(_translated("org/name", error), TransientError)


def test_a_full_disk_is_not_the_datas_fault() -> None:
    found = _translated("org/name", OSError(errno.ENOSPC, "No space left on device"))
    assert isinstance(found, TransientError)
    assert "HF_HOME" in str(found)


def test_no_access_says_how_to_get_it() -> None:
    found = _translated("org/name", Refused(403))
    assert isinstance(found, InputError)
    assert "set HF_TOKEN" in str(found)
