"""``make images`` as it would run, without running it."""

import shlex
import subprocess

import pytest
from support.dockerfiles import PROJECT

from clt_operator import __version__


def commands(**settings: str) -> list[list[str]]:
    """The builds that ``make images`` would start, word by word."""
    given = [f"{name}={value}" for name, value in settings.items()]
    said = subprocess.run(
        ["make", "-n", "images", *given],
        cwd=PROJECT, capture_output=True, text=True, check=True, timeout=60,
    ).stdout  # fmt: skip
    words = shlex.split(said.replace("\\\n", " ").partition("}")[2])
    builds = " ".join(words).split(" && ")
    return [build.split() for build in builds if "build" in build]


@pytest.mark.parametrize("tool", ["docker", "buildah"])
def test_both_are_built_and_named_after_the_version(tool):
    built = commands(IMAGE_TOOL=tool)
    assert [build[:2] for build in built] == [[tool, "build"]] * 2
    assert [build[build.index("-t") + 1] for build in built] == [
        f"clt-operator:{__version__}",
        f"clt-jobs:{__version__}",
    ]
    assert [build[build.index("-f") + 1] for build in built] == [
        "images/operator/Dockerfile",
        "images/jobs/Dockerfile",
    ]


def test_prefix_tag_and_options_are_the_callers():
    for build in commands(
        IMAGE_TOOL="docker",
        IMAGE_PREFIX="place/team/",
        IMAGE_TAG="t1",
        IMAGE_ARGS="--build-arg ACCELERATOR=none",
    ):
        assert build[build.index("-t") + 1].startswith("place/team/clt-")
        assert build[build.index("-t") + 1].endswith(":t1")
        assert "ACCELERATOR=none" in build


def test_buildah_is_told_version_and_revision_where_its_cache_looks():
    for build in commands(IMAGE_TOOL="buildah"):
        assert f"org.opencontainers.image.version={__version__}" in build
        assert any(word.startswith("org.opencontainers.image.revision=") for word in build)
