"""The rows artifact: nothing is lost in writing and reading, and the bytes are a function of it."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clt_jobs.data.rows import ROW_GROUP, SCHEMA, Row, read_rows, read_table, write_rows
from clt_operator.api.errors import InputError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ROWS = st.lists(
    st.builds(
        Row,
        id=TEXT,
        item=TEXT,
        language=TEXT,
        cluster=st.none() | TEXT,
        prompt=st.none() | TEXT,
        response=st.none() | TEXT,
        answer=st.none() | TEXT,
        options=st.none() | st.lists(TEXT, max_size=3).map(tuple),
        provenance=st.none() | TEXT,
        extra=st.none() | TEXT,
    ),
    unique_by=lambda row: row.id,
    max_size=20,
)


def numbered(count: int) -> list[Row]:
    return [Row(id=str(n), item=str(n), language="en", prompt=f"p{n}") for n in range(count)]


@given(ROWS)
@settings(max_examples=30, deadline=None)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> None:
    directory = tmp_path_factory.mktemp("rows")
    assert write_rows(directory, rows) == len(rows)
    assert read_rows(directory) == rows


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    rows = numbered(100)
    write_rows(tmp_path / "a", rows)
    write_rows(tmp_path / "b", iter(rows))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_file_says_nothing_about_the_writer(tmp_path: Path) -> None:
    write_rows(tmp_path, numbered(3))
    assert not pq.read_schema(tmp_path / "rows.parquet").metadata


def test_row_groups_have_a_fixed_size(tmp_path: Path) -> None:
    write_rows(tmp_path, numbered(2 * ROW_GROUP + 5))
    found = pq.ParquetFile(tmp_path / "rows.parquet").metadata
    assert [found.row_group(i).num_rows for i in range(3)] == [ROW_GROUP, ROW_GROUP, 5]
    assert len(read_rows(tmp_path)) == 2 * ROW_GROUP + 5


def test_columns_and_their_types(tmp_path: Path) -> None:
    write_rows(tmp_path, [])
    table = read_table(tmp_path)
    assert table.schema.names == SCHEMA.names
    assert table.schema.field("options").type.value_type == pa.string()
    assert read_rows(tmp_path) == []


def test_a_repeated_id_is_refused(tmp_path: Path) -> None:
    row = numbered(1)[0]
    with pytest.raises(InputError, match="row id '0' occurs twice"):
        write_rows(tmp_path, [row, replace(row, prompt="other")])


def test_another_parquet_file_is_no_rows_artifact(tmp_path: Path) -> None:
    pq.write_table(pa.table({"question": ["?"]}), tmp_path / "rows.parquet")
    with pytest.raises(InputError, match="columns id, item, language are missing; it has question"):
        read_rows(tmp_path)


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    write_rows(tmp_path, numbered(50))
    data = (tmp_path / "rows.parquet").read_bytes()
    (tmp_path / "rows.parquet").write_bytes(data[:-40])
    with pytest.raises(InputError, match="not a readable Parquet file"):
        read_rows(tmp_path)


def test_a_directory_named_like_a_partition_adds_no_column(tmp_path: Path) -> None:
    directory = tmp_path / "language=xx"
    directory.mkdir()
    write_rows(directory, numbered(2))
    assert read_rows(directory) == numbered(2)
