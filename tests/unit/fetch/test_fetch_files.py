"""fetch of files: every format gives the same rows, from content that was verified."""

import csv
import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.context import FakeContext

from clt_jobs.context import StopRequested
from clt_jobs.data.rows import Row
from clt_jobs.fetch.step import fetch
from clt_operator.api.errors import InputError
from clt_operator.api.keys import files_digest
from clt_operator.api.kinds.fetch import FetchParams, ModelRequest, RowsRequest

Records = list[dict[str, Any]]
RECORDS: Records = [
    {"question": 'how "many" ?', "answer": "8.0"},
    {"question": "何個ありますか", "answer": "2,125"},
    {"question": "¿cuántos, pues?", "answer": "3"},
]
EXPECTED = [
    Row(id=f"{n}:en", item=str(n), language="en", prompt=r["question"], answer=r["answer"])
    for n, r in enumerate(RECORDS)
]


def jsonl(records: Records) -> bytes:
    return "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records).encode()


def write_zst(path: Path, data: bytes) -> None:
    with pa.output_stream(str(path), compression="zstd") as stream:
        stream.write(data)


def write_csv(path: Path, records: Records) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(records[0]))
        writer.writeheader()
        writer.writerows(records)


def write_tsv(path: Path, records: Records) -> None:
    lines = ["\t".join(records[0]), *("\t".join(r.values()) for r in records)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


WRITERS: dict[str, Callable[[Path, Records], object]] = {
    "a.jsonl": lambda path, records: path.write_bytes(jsonl(records)),
    "a.jsonl.gz": lambda path, records: path.write_bytes(gzip.compress(jsonl(records))),
    "a.jsonl.zst": lambda path, records: write_zst(path, jsonl(records)),
    "a.json": lambda path, records: path.write_text(json.dumps(records)),
    "a.csv": write_csv,
    "a.tsv": write_tsv,
    "a.parquet": lambda path, records: pq.write_table(pa.Table.from_pylist(records), path),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_rows(tmp_path: Path, fetched, name: str) -> None:
    WRITERS[name](tmp_path / name, RECORDS)
    rows, figures = fetched(tmp_path / name, format=name.split(".")[1])
    assert rows == EXPECTED
    assert figures == {"rows": 3, "read": 3, "other_languages": 0, "dropped": {}}


def test_a_table_without_header_is_known_by_digits_in_the_templates(tmp_path, fetched) -> None:
    """MGSM: question<TAB>answer, quotation marks are text."""
    path = tmp_path / "mgsm_es.tsv"
    path.write_text('¿"Cuánto" gana?\t18\n¿Cuántos?\t2,125\n', encoding="utf-8")
    columns = {"prompt": "{0}", "answer": "{1|number}"}
    rows, _ = fetched(path, format="tsv", language="es", columns=columns)
    assert [(r.prompt, r.answer) for r in rows] == [
        ('¿"Cuánto" gana?', "18"),
        ("¿Cuántos?", "2125"),
    ]


def test_a_csv_field_may_hold_line_breaks(tmp_path: Path, fetched) -> None:
    path = tmp_path / "a.csv"
    path.write_text('question,answer\n"two\nlines",1\n', encoding="utf-8")
    assert fetched(path, format="csv")[0][0].prompt == "two\nlines"


def test_a_byte_order_mark_is_no_text(tmp_path: Path, fetched) -> None:
    for name in ("a.tsv", "a.csv", "a.jsonl", "a.json"):
        WRITERS[name](tmp_path / name, RECORDS)
        (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + (tmp_path / name).read_bytes())
        assert fetched(tmp_path / name, format=name[2:])[0] == EXPECTED


def test_further_fields_are_kept_and_options_stay_a_list(tmp_path: Path, fetched) -> None:
    path = tmp_path / "a.jsonl"
    record = {"q": "?", "choices": ["a", "b"], "meta": {"year": 2020}, "who": "x", "id": "n7"}
    path.write_bytes(jsonl([record]))
    columns = {
        "item": "{id}",
        "prompt": "{q}",
        "options": "{choices}",
        "cluster": "c-{id}",
        "meta": "{meta}",
        "author": "by {who}",
    }
    rows, _ = fetched(path, format="jsonl", columns=columns, provenance="human")
    assert rows == [
        Row(
            id="n7:en",
            item="n7",
            language="en",
            cluster="c-n7",
            prompt="?",
            options=("a", "b"),
            provenance="human",
            extra='{"author":"by x","meta":{"year":2020}}',
        )
    ]


def test_ids_are_unique_where_items_repeat(tmp_path: Path, fetched) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(jsonl([{"id": "a", "question": str(n)} for n in range(3)]))
    rows, _ = fetched(path, format="jsonl", columns={"item": "{id}", "prompt": "{question}"})
    assert [row.item for row in rows] == ["a", "a", "a"]
    assert [row.id for row in rows] == ["a:en", "a:en#2", "a:en#3"]


def test_several_files_are_one_source_in_their_order(tmp_path: Path, fetched) -> None:
    parts = [tmp_path / "1.jsonl", tmp_path / "0.jsonl"]
    parts[0].write_bytes(jsonl(RECORDS[:1]))
    parts[1].write_bytes(jsonl(RECORDS[1:]))
    assert fetched(*parts, format="jsonl")[0] == EXPECTED


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    """Locations are hints: a moved file changes neither key nor result."""
    written = []
    for name in ("here", "there"):
        path = tmp_path / name / "a.jsonl"
        path.parent.mkdir()
        path.write_bytes(jsonl(RECORDS))
        context = FakeContext(tmp_path / name, hints={"files": [path.as_uri()]})
        request = RowsRequest(format="jsonl", language="en", columns={"prompt": "{question}"})
        fetch(FetchParams(rows=request), context)
        written.append((context.output("rows") / "rows.parquet").read_bytes())
    assert written[0] == written[1]


def test_the_language_column_chooses_rows_and_positions_count_within_it(tmp_path, fetched) -> None:
    path = tmp_path / "a.jsonl"
    records = [{"lang": lang, "question": f"{lang}{n}"} for n in range(3) for lang in ("en", "ja")]
    path.write_bytes(jsonl(records))
    request = {"format": "jsonl", "columns": {"prompt": "{question}"}, "language_column": "lang"}
    rows, figures = fetched(path, language="ja", **request)
    assert [(row.id, row.prompt) for row in rows] == [
        ("0:ja", "ja0"),
        ("1:ja", "ja1"),
        ("2:ja", "ja2"),
    ]
    assert (figures["read"], figures["other_languages"]) == (6, 3)


@pytest.mark.parametrize(("name", "value"), [("jpn", ""), ("japanese", "ja"), ("J", "J")])
def test_the_source_may_use_any_convention_or_its_own_name(tmp_path, fetched, name, value) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(jsonl([{"lang": name, "question": "?"}, {"lang": "en", "question": "!"}]))
    columns = {"prompt": "{question}"}
    request = {"format": "jsonl", "columns": columns, "language_column": "lang"}
    rows, _ = fetched(path, language="ja", language_value=value, **request)
    assert [row.prompt for row in rows] == ["?"]


def test_a_source_without_the_language_names_those_it_has(tmp_path: Path, fetched) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(jsonl([{"lang": code, "question": "?"} for code in ("en", "sw", "en")]))
    with pytest.raises(InputError, match=r"no rows in 'ja'; it has en \(2\), sw \(1\)"):
        fetched(
            path,
            format="jsonl",
            language="ja",
            columns={"prompt": "{question}"},
            language_column="lang",
        )


def test_a_file_that_changed_since_it_was_resolved_is_refused(tmp_path: Path, fetched) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(jsonl(RECORDS))
    other = files_digest([hashlib.sha256(b"other").hexdigest()])
    with pytest.raises(InputError, match=r"changed since it was resolved.*cltctl upgrade"):
        fetched(path, format="jsonl", digest=other)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    request = RowsRequest(format="jsonl", language="en", columns={"prompt": "{q}"})
    context = FakeContext(tmp_path, hints={"files": [str(tmp_path / "gone.jsonl")]})
    with pytest.raises(InputError, match=r"gone.jsonl: no such file; check the path"):
        fetch(FetchParams(rows=request), context)


def test_a_step_without_files_says_so(fetched) -> None:
    with pytest.raises(InputError, match="names no files"):
        fetched(format="jsonl")


def test_generated_rows_need_no_file(fetched) -> None:
    rows, figures = fetched(
        format="generator", name="number-words/sums", language="es", columns={}, arguments={}
    )
    assert figures["rows"] == len(rows) == 441
    assert rows[0].prompt == "cero más cero ?"


def test_a_stop_is_obeyed_between_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(jsonl(RECORDS * 1000))
    context = FakeContext(tmp_path, hints={"files": [str(path)]}, stop_after=1000)
    request = RowsRequest(format="jsonl", language="en", columns={"prompt": "{question}"})
    with pytest.raises(StopRequested):
        fetch(FetchParams(rows=request), context)
    assert context.reported == [{"done": 1000}]


def test_a_fetch_is_of_rows_or_of_a_model(tmp_path: Path) -> None:
    both = FetchParams(
        rows=RowsRequest(format="generator", language="en", name="number-words/sums"),
        model=ModelRequest(format="init"),
    )
    for params in (FetchParams(), both):
        with pytest.raises(InputError, match="either rows or a model"):
            fetch(params, FakeContext(tmp_path))
