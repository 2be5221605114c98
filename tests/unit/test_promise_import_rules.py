"""Promise: clt_operator never imports clt_jobs nor torch; clt_jobs uses only api and store."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ALLOWED = ("clt_operator.api", "clt_operator.store")
HEAVY = {"torch", "transformers", "accelerate", "datasets", "matplotlib", "scipy"}


def modules(package: str) -> Iterator[Path]:
    yield from (ROOT / package).rglob("*.py")


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_the_control_plane_never_imports_the_data_plane():
    broken = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in modules("clt_operator")
        for name in imported(path)
        if name.split(".")[0] in HEAVY | {"clt_jobs"}
    ]
    assert not broken


def test_the_data_plane_uses_only_api_and_store_of_the_control_plane():
    broken = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in modules("jobs/clt_jobs")
        for name in imported(path)
        if name.startswith("clt_operator.") and not name.startswith(ALLOWED)
    ]
    assert not broken


def test_the_rules_see_imports_inside_functions(tmp_path):
    path = tmp_path / "module.py"
    path.write_text("def f():\n    from clt_jobs.data import rows\n    import torch.nn\n")
    assert {"clt_jobs.data", "clt_jobs.data.rows", "torch.nn"} <= set(imported(path))


@pytest.mark.parametrize("module", ["clt_operator.cli.main", "clt_operator.plan.build"])
def test_importing_the_control_plane_loads_no_heavy_library(module):
    code = f"import sys, {module}; print(' '.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {name.split(".")[0] for name in loaded} & (HEAVY | {"clt_jobs", "boto3", "pyarrow"})


def test_the_command_line_loads_only_what_help_needs():
    code = "import sys, clt_operator.cli.main; print(' '.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {name.split(".")[0] for name in loaded} & {"pydantic", "yaml", "numpy", "rich"}
