"""Small sources of every shape, and a fetch of them as the runner does it."""

import hashlib
from collections.abc import Callable
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
def fetched(tmp_path: Path) -> Fetch:
    """Runs a fetch; gives its rows and its summary. Fields of the request have test defaults."""
    runs = 0

    def run(*files: Path, **fields: Any) -> Fetched:
        nonlocal runs
        runs += 1
        request = {
            "language": "en",
            "columns": {"prompt": "{question}", "answer": "{answer}"},
            "digest": digest_of(*files) if files else "",
            **fields,
        }
        context = FakeContext(
            tmp_path / f"run{runs}", hints={"files": [str(path) for path in files]}
        )
        fetch(FetchParams(rows=RowsRequest(**request)), context)
        return read_rows(context.output("rows")), context.figures

    return run
