"""What the Dockerfiles say; what only a built image shows is in ``tests/e2e/test_images.py``."""

import re
from fnmatch import fnmatch

import pytest
from e2e.harness.images import OURS
from support.dockerfiles import PROJECT, read

from clt_operator.render.pod import USER

IMAGES = ("operator", "jobs")

pytestmark = pytest.mark.parametrize("image", IMAGES)


def test_the_base_is_a_version_that_an_argument_can_change(image):
    dockerfile = read(image)
    [base] = dockerfile.arguments
    assert re.fullmatch(r"PYTHON_BASE=python:3\.\d+\.\d+-slim-bookworm", base)
    assert {stage.base for stage in dockerfile.stages} == {"${PYTHON_BASE}"}


def test_it_runs_as_the_user_of_the_pods(image):
    assert read(image).image.all("USER") == [f"{USER}:{USER}"]


def test_nothing_that_installs_is_run_after_the_user_is_set(image):
    stage = read(image).image
    user = stage.position("USER", str(USER))
    assert not [rest for keyword, rest in stage.instructions[user:] if keyword == "RUN"]


def test_there_is_no_health_check(image):
    assert not [stage for stage in read(image).stages if stage.all("HEALTHCHECK")]


def test_labels_say_what_it_is_and_of_which_commit(image):
    [labels] = read(image).image.all("LABEL")
    for name in ("title", "description", "licenses", "version", "revision"):
        assert f"org.opencontainers.image.{name}=" in labels
    assert "${VERSION}" in labels
    assert "${REVISION}" in labels
    assert not re.search(r"https?:|\w\.\w+/", labels)


def test_code_is_the_last_layer_of_files(image):
    """So that a change of code makes no other again: nothing of the code comes before it."""
    stage = read(image).image
    files = [(k, rest) for k, rest in stage.instructions if k in ("COPY", "ADD", "RUN")]
    assert files[-1] == ("COPY", "--from=code /opt/clt /opt/clt")
    assert all("images/" in word for k, rest in files[:-1] if k == "COPY"
               for word in rest.split()[:-1])  # fmt: skip


def test_version_and_revision_are_told_after_all_layers(image):
    stage = read(image).image
    code = stage.position("COPY", "--from=code")
    assert stage.position("ARG", "VERSION") > code
    assert stage.position("ARG", "REVISION") > code


def test_the_build_sees_only_what_is_copied(image):
    """.dockerignore leaves everything out and lets in again what a Dockerfile names."""
    lines = (PROJECT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    allowed = {line[1:] for line in lines if line.startswith("!")}
    assert not allowed & {".git", ".venv", "tests", "docs", "benchmarks", "constraints.txt"}
    missing = [source for source in read(image).sources() if source.split("/")[0] not in allowed]
    assert not missing
    assert "**/__pycache__" in lines


def test_everything_that_is_copied_is_there(image):
    files = [str(p.relative_to(PROJECT)) for p in PROJECT.glob("images/*/*")]
    files += [p.name for p in PROJECT.iterdir()]
    for source in read(image).sources():
        pattern = re.sub(r"\$\{\w+\}", "*", source)
        assert any(fnmatch(file, pattern) for file in files), source


def test_what_a_test_node_has_is_built_again_when_anything_copied_changes(image):
    _, sources, _ = OURS[f"clt-{image}"]
    for copied in read(image).sources():
        assert any(copied == source or copied.startswith(f"{source}/") for source in sources)
