"""Bad input: each fault is named with file and line, or counted where some are allowed."""

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clt_operator.api.errors import InputError

GOOD = b'{"question": "a", "answer": "1"}\n'
LAST = b'{"question": "c", "answer": "3"}\n'

BAD_LINES = {
    "truncated line": b'{"question": "b", "ans',
    "invalid JSON": b'{"question": "b", }\n',
    "invalid UTF-8": b'{"question": "\xff", "answer": "2"}\n',
    "not an object": b'["b", "2"]\n',
    "missing column": b'{"question": "b"}\n',
    "wrong type": b'{"question": ["b"], "answer": "2"}\n',
    "NUL character": b'{"question": "\\u0000", "answer": "2"}\n',
    "lone surrogate": b'{"question": "\\ud800", "answer": "2"}\n',
}


@pytest.mark.parametrize(("reason", "line"), BAD_LINES.items(), ids=[*BAD_LINES])
def test_an_unreadable_line_is_an_error_that_names_file_and_line(
    tmp_path: Path, fetched, reason: str, line: bytes
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(GOOD + line)
    with pytest.raises(InputError, match=r"a\.jsonl:2: .+\n1 unusable of 2 rows read, 0 allowed"):
        fetched(path, format="jsonl")


@pytest.mark.parametrize(("reason", "line"), BAD_LINES.items(), ids=[*BAD_LINES])
def test_an_allowed_unreadable_line_is_counted_and_keeps_its_position(
    tmp_path: Path, fetched, reason: str, line: bytes
) -> None:
    """Parallel files stay in step: the row after a bad one keeps the item id of its parallels."""
    path = tmp_path / "a.jsonl"
    last = b"" if reason == "truncated line" else LAST
    path.write_bytes(GOOD + line + last)
    rows, figures = fetched(path, format="jsonl", max_bad_rows=1)
    assert [row.item for row in rows] == (["0", "2"] if last else ["0"])
    assert figures["dropped"] == {reason: 1}
    assert figures["read"] == len(rows) + 1


def test_one_more_than_allowed_lists_them(tmp_path: Path, fetched) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(GOOD + BAD_LINES["invalid JSON"] * 3)
    with pytest.raises(InputError, match=r"a.jsonl:2: .+\n.+a.jsonl:3: .+\n2 unusable of 3"):
        fetched(path, format="jsonl", max_bad_rows=1)


@pytest.mark.parametrize("name", ["a.jsonl", "a.parquet", "a.csv"])
def test_an_unknown_column_names_template_column_and_nearest(
    tmp_path: Path, fetched, name: str
) -> None:
    path = tmp_path / name
    if name == "a.parquet":
        pq.write_table(pa.table({"question": ["a"], "answer": ["1"]}), path)
    else:
        path.write_bytes(GOOD if name == "a.jsonl" else b"question,answer\na,1\n")
    message = (
        r"template '\{qestion\}' names column 'qestion': did you mean 'question'\? "
        "The source has question, answer"
    )
    with pytest.raises(InputError, match=message):
        fetched(path, format=path.suffix[1:], columns={"prompt": "{qestion}"})


def test_null_is_kept_in_a_column_alone_and_refused_inside_text(tmp_path: Path, fetched) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"question": "a", "answer": null}\n')
    assert fetched(path, format="jsonl")[0][0].answer is None
    with pytest.raises(InputError, match=r"a\.jsonl:1: column 'answer' is null"):
        fetched(path, format="jsonl", columns={"prompt": "= {answer}"})


def test_options_that_are_no_list_are_refused(tmp_path: Path, fetched) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(GOOD)
    with pytest.raises(InputError, match=r"options: '\{question\}' is no list"):
        fetched(path, format="jsonl", columns={"prompt": "{question}", "options": "{question}"})


@pytest.mark.parametrize("data", [b"", b"\n\n"])
def test_a_source_without_rows_is_an_error(tmp_path: Path, fetched, data: bytes) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(data)
    with pytest.raises(InputError, match="no rows in en: 0 read"):
        fetched(path, format="jsonl")


def test_nothing_left_says_why(tmp_path: Path, fetched) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(BAD_LINES["invalid JSON"] * 2)
    with pytest.raises(InputError, match="no rows in en: 2 read, dropped invalid JSON: 2"):
        fetched(path, format="jsonl", max_bad_rows=9)


def test_a_damaged_archive_is_an_error(tmp_path: Path, fetched) -> None:
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(GOOD * 1000)[:-20])
    with pytest.raises(InputError, match=r"a\.jsonl\.gz: truncated or damaged file"):
        fetched(path, format="jsonl", max_bad_rows=100)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'[{"question": "a"},\n {"question"', r"a\.json:2: invalid JSON"),
        (b'{"data": []}', "expected an array of objects; .* use the format jsonl"),
        (b'[\n"\xff"]', r"a\.json:2: not UTF-8"),
        (b"[" * 100_000, "a.json: invalid JSON"),
        (b'[{"question": NaN}]', "NaN is no JSON number"),
    ],
)
def test_a_broken_document_is_an_error(tmp_path: Path, fetched, data: bytes, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message):
        fetched(path, format="json", max_bad_rows=100)


def test_an_element_that_is_no_object_is_named_by_its_position(tmp_path: Path, fetched) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'[{"question": "a", "answer": 1}, 7]')
    with pytest.raises(InputError, match=r"a\.json: element 2: expected an object, found int"):
        fetched(path, format="json")


@pytest.mark.parametrize(
    ("name", "line", "reason"),
    [
        ("a.tsv", b"b\t2\tmore\n", "wrong number of fields"),
        ("a.tsv", b"b\n", "wrong number of fields"),
        ("a.tsv", b"\xff\t2\n", "invalid UTF-8"),
        ("a.csv", b"b,2,more\n", "wrong number of fields"),
        ("a.csv", b'b,"\xff"\n', "invalid UTF-8"),
        ("a.csv", b'"b"x,2\n', "invalid CSV"),
        ("a.csv", b"\x00,2\n", "NUL character"),
    ],
)
def test_a_bad_line_of_a_table_is_counted(tmp_path, fetched, name, line, reason) -> None:
    path = tmp_path / name
    comma = b"," if name == "a.csv" else b"\t"
    good = [b"question" + comma + b"answer\n", b"a" + comma + b"1\n"]
    path.write_bytes(b"".join(good) + line + good[1])
    rows, figures = fetched(path, format=path.suffix[1:], max_bad_rows=1)
    assert [row.item for row in rows] == ["0", "2"]
    assert figures["dropped"] == {reason: 1}
    with pytest.raises(InputError, match=rf"{name}:3: "):
        fetched(path, format=path.suffix[1:])


@pytest.mark.parametrize("name", ["a.tsv", "a.csv"])
def test_a_header_that_repeats_a_name_is_refused(tmp_path: Path, fetched, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(
        b"question,answer,answer\na,1,2\n".replace(b",", b"\t" if "t" in name else b",")
    )
    with pytest.raises(InputError, match=rf"{name}:1: the header names 'answer' twice"):
        fetched(path, format=path.suffix[1:])


def test_a_column_name_that_is_no_unicode_can_be_shown(tmp_path: Path, fetched) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'{"\\ud800": 1}\n')
    with pytest.raises(InputError) as raised:
        fetched(path, format="jsonl")
    assert "\\ud800" in str(raised.value)
    str(raised.value).encode()


def test_an_unclosed_quote_is_a_bad_row(tmp_path: Path, fetched) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b'question,answer\na,1\n"b,2\n')
    with pytest.raises(InputError, match=r"a\.csv:3: unexpected end of data"):
        fetched(path, format="csv")


def test_parquet_text_that_is_not_utf8_is_counted(tmp_path: Path, fetched) -> None:
    path = tmp_path / "a.parquet"
    raw = pa.array([b"a", b"\xff", b"c"], pa.binary())
    text = pa.StringArray.from_buffers(3, raw.buffers()[1], raw.buffers()[2])
    pq.write_table(pa.table({"question": text, "answer": ["1", "2", "3"]}), path)
    rows, figures = fetched(path, format="parquet", max_bad_rows=1)
    assert [row.item for row in rows] == ["0", "2"]
    assert figures["dropped"] == {"invalid UTF-8": 1}


def test_a_truncated_parquet_file_is_an_error(tmp_path: Path, fetched) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"question": ["a"], "answer": ["1"]}), path)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match=r"a\.parquet: not a readable Parquet file"):
        fetched(path, format="parquet", max_bad_rows=9)


@pytest.mark.parametrize("field", ["id", "language", "extra"])
def test_fields_that_fetch_makes_cannot_be_mapped(tmp_path: Path, fetched, field: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(GOOD)
    with pytest.raises(InputError, match=f"columns: {field} cannot be mapped"):
        fetched(path, format="jsonl", columns={"prompt": "{question}", field: "{answer}"})


def test_no_columns_is_an_error(tmp_path: Path, fetched) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(GOOD)
    with pytest.raises(InputError, match="no columns are mapped"):
        fetched(path, format="jsonl", columns={})
