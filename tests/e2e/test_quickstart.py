"""The README's study on real pods against the S3 server, and the same study on this machine.

The contract of threads is the same in both, so that the results are: not close, the same bytes.
"""

from pathlib import Path

import pytest
from e2e.harness import readme
from e2e.harness.installation import TEAM, Installation
from e2e.harness.results import Results, assert_same, tables
from e2e.harness.site import timed

NAME = "quickstart"


@pytest.fixture(scope="module")
def printed(installation: Installation) -> list[str]:
    """What the researcher's commands of the README say; the study is complete then."""
    with timed("quickstart on the cluster"):
        return [installation.run(*words) for words in readme.using()]


@pytest.fixture(scope="module")
def here(installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store on this machine, with the same study in it."""
    store = tmp_path_factory.mktemp("local") / "store"
    with timed("quickstart on this machine"):
        installation.run(
            "cltctl", "apply", "examples/quickstart.yaml", "--local", "--store", str(store)
        )
    return store


def test_the_commands_of_the_readme_end_with_a_report_in_the_store(
    installation: Installation, printed: list[str], tmp_path: Path
) -> None:
    assert printed
    results = Results(
        installation.store_of(TEAM), TEAM, NAME, installation.site.storage.environment
    )
    assert not results.missing()
    assert not results.charged()
    installation.run("cltctl", "report", NAME, "-n", TEAM, "--to", str(tmp_path))
    assert list(tmp_path.rglob("*.html"))


def test_keys_and_files_are_those_of_the_local_driver(
    installation: Installation, printed: list[str], here: Path
) -> None:
    there = Results(installation.store_of(TEAM), TEAM, NAME, installation.site.storage.environment)
    local = Results(str(here), "default", NAME)
    assert there.keys() == local.keys()
    assert_same(there.digests(), local.digests())


def test_the_tables_are_those_of_the_local_driver(
    installation: Installation, printed: list[str], here: Path, tmp_path: Path
) -> None:
    for name, place in {"there": ["-n", TEAM], "here": ["--store", str(here)]}.items():
        part = ["--part", "tables", "--to", str(tmp_path / name)]
        installation.run("cltctl", "report", NAME, *place, *part)
    assert_same(tables(tmp_path / "there"), tables(tmp_path / "here"))
