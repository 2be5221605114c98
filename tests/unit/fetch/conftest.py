"""Small sources of every shape, and a fetch of them as the runner does it."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.context import FakeContext

from clt_jobs.data.rows import Row, read_rows
from clt_jobs.fetch.step import fetch
from clt_operator.api.keys import files_digest
from clt_operator.api.kinds.fetch import FetchParams, RowsRequest

Fetched = tuple[list[Row], dict[str, Any]]
Fetch = Callable[..., Fetched]


def digest_of(*paths: Path) -> str:
    return files_digest([hashlib.sha256(path.read_bytes()).hexdigest() for path in paths])


@pytest.fixture
def fetched_from(tmp_path: Path) -> Fetch:
    """Runs a fetch of locations; gives its rows and its summary. Fields have test defaults."""
    runs = 0

    def run(locations: Sequence[str], **fields: Any) -> Fetched:
        nonlocal runs
        runs += 1
        request = {
            "language": "en",
            "columns": {"prompt": "{question}", "answer": "{answer}"},
            **fields,
        }
        context = FakeContext(tmp_path / f"run{runs}", hints={"files": list(locations)})
        fetch(FetchParams(rows=RowsRequest(**request)), context)
        return read_rows(context.output("rows")), context.figures

    return run


@pytest.fixture
def fetched(fetched_from: Fetch) -> Fetch:
    """The same for files on this disk, with their digest as it was resolved."""

    def run(*files: Path, **fields: Any) -> Fetched:
        found: Fetched = fetched_from(
            [str(path) for path in files],
            **{"digest": digest_of(*files) if files else "", **fields},
        )
        return found

    return run
