"""Running a derive step on rows in a test."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.context import FakeContext

from clt_jobs.data.rows import Row, write_rows
from clt_jobs.derive.clusters import write_clusters
from clt_jobs.derive.step import derive
from clt_operator.api.kinds.derive import DeriveParams

Derived = Callable[..., FakeContext]


@pytest.fixture
def derived(tmp_path: Path) -> Derived:
    """Runs an operation over rows, with clusters where given; gives the context."""
    runs = 0

    def run(
        operation: str,
        rows: list[Row],
        clusters: Mapping[str, str] | None = None,
        **arguments: Any,
    ) -> FakeContext:
        nonlocal runs
        runs += 1
        root = tmp_path / f"run{runs}"
        inputs = {"rows": root / "rows", "clusters": root / "clusters"}
        for directory in inputs.values():
            directory.mkdir(parents=True)
        write_rows(inputs["rows"], rows)
        if clusters is None:
            del inputs["clusters"]
        else:
            write_clusters(inputs["clusters"], clusters)
        context = FakeContext(root, inputs)
        derive(DeriveParams(operation=operation, arguments=arguments), context)
        return context

    return run
