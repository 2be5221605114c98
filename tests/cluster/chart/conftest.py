"""The chart as Helm renders it. Most of it needs Helm alone, and no cluster."""

import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cluster.chart.cases import CASES
from cluster.harness.binaries import CannotBuild, build

from charts.pages import EXAMPLE, ROOT, rendered

Json = dict[str, Any]
Render = Callable[..., list[Json]]

EXAMPLES = {"example": EXAMPLE, "production": ROOT / "examples" / "values-production.yaml"}
EVERY = ["default", *EXAMPLES, *CASES]


@pytest.fixture(scope="session")
def helm() -> str:
    """The program; skips the test where it cannot be built, fails it under CI."""
    try:
        return build("helm")["helm"]
    except CannotBuild as reason:
        if os.environ.get("CI"):
            pytest.fail(str(reason))
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def render(helm: str, tmp_path_factory: pytest.TempPathFactory) -> Render:
    """The objects of a case by its name, of ``default`` values, or of an example. Raises
    ValueError with what Helm says against values."""
    folder = tmp_path_factory.mktemp("values")

    def values(case: str | Json) -> Path:
        given = CASES[case] if isinstance(case, str) else case
        path = folder / f"{case if isinstance(case, str) else 'given'}.yaml"
        path.write_text(json.dumps(given), encoding="utf-8")
        return path

    @cache
    def named(case: str) -> str:
        files = [] if case == "default" else [EXAMPLES.get(case) or values(case)]
        return json.dumps(rendered(helm, *(f"--values={path}" for path in files)))

    def made(case: str | Json) -> list[Json]:
        if isinstance(case, str):
            return list(json.loads(named(case)))
        return rendered(helm, f"--values={values(case)}")

    return made


def one(found: list[Json], kind: str, name: str = "", namespace: str = "") -> Json:
    """The object of that kind, and name and namespace where they are given."""
    (item,) = (
        item
        for item in found
        if item["kind"] == kind
        and name in ("", item["metadata"]["name"])
        and namespace in ("", item["metadata"].get("namespace"))
    )
    return item
