"""The pins of the images are those of ``constraints.txt``: one resolution, three selections."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.dockerfiles import PROJECT

PIN = re.compile(r"^([a-z0-9._-]+)==(\S+)", re.MULTILINE)
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
DEVELOPMENT = {"pytest", "mypy", "ruff", "moto", "hypothesis", "uv", "pip"}


def pins(path: Path) -> dict[tuple[str, str], frozenset[str]]:
    """Package and version → hashes of its files."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for entry in re.split(r"\n(?=\S)", path.read_text()):
        if pin := PIN.match(entry):
            found[pin[1], pin[2]] = frozenset(HASH.findall(entry))
    return found


def names(path: Path) -> set[str]:
    return {name for name, _ in pins(path)}


def excluded(path: Path) -> set[str]:
    lines = [line.partition("#")[0].strip() for line in path.read_text().splitlines()]
    return set(filter(None, lines))


WHOLE = pins(PROJECT / "constraints.txt")
OPERATOR = PROJECT / "images/operator/constraints.txt"
JOBS = PROJECT / "images/jobs/constraints.txt"


@pytest.mark.parametrize("selection", [OPERATOR, JOBS])
def test_versions_and_hashes_are_those_that_the_tests_ran_with(selection):
    selected = pins(selection)
    assert selected
    assert all(selected.values())
    assert selected == {pin: WHOLE.get(pin) for pin in selected}


def test_the_operator_has_no_torch():
    heavy = re.compile(r"torch|nvidia|triton|transformers|cuda|scipy|numpy|pyarrow")
    assert not [name for name in names(OPERATOR) if heavy.match(name)]


def test_jobs_have_torch_and_nothing_of_the_tests():
    assert {"torch", "transformers", "pyarrow"} <= names(JOBS)
    assert not names(JOBS) & DEVELOPMENT


@pytest.mark.parametrize("file", sorted(PROJECT.glob("images/*/excludes*.txt")), ids=str)
def test_what_is_left_out_would_be_there(file):
    assert excluded(file) <= {name for name, _ in WHOLE}


def test_the_operator_imports_nothing_of_what_its_image_leaves_out():
    """A module that is None in sys.modules cannot be imported."""
    left_out = [name.replace("-", "_") for name in excluded(OPERATOR.with_name("excludes.txt"))]
    code = (
        f"import sys; sys.modules.update(dict.fromkeys({left_out!r}))\n"
        "import clt_operator.drivers.operator, clt_operator.cli.main, clt_operator.store.s3\n"
        "import kubernetes.informer, kubernetes.dynamic\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_images_and_checkouts_are_installed_by_the_same_uv():
    [pinned] = [v for name, v in pins(PROJECT / "images/build/tools.txt") if name == "uv"]
    assert f"uv=={pinned}" in (PROJECT / "Makefile").read_text()
