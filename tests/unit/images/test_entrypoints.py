"""What the images start, against what the pods ask for."""

import importlib.util

import pytest
import yaml
from support.dockerfiles import PROJECT, read

from clt_operator.render.pod import SCRATCH

GOLDEN = sorted((PROJECT / "tests/unit/render/golden").glob("*.yaml"))


@pytest.mark.parametrize("image", ["operator", "jobs"])
def test_the_entry_point_is_a_module_run_by_python_without_a_shell(image):
    python, dash_m, module = read(image).entrypoint
    assert (python, dash_m) == ("python", "-m")
    assert importlib.util.find_spec(module)


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.stem)
def test_a_pod_runs_what_its_image_would_run_by_itself(golden):
    [job] = [found for found in yaml.safe_load_all(golden.read_text()) if found["kind"] == "Job"]
    [container] = job["spec"]["template"]["spec"]["containers"]
    assert container["command"] == read("jobs").entrypoint


def test_scratch_is_the_home_of_the_jobs_image():
    [environment] = read("jobs").image.all("ENV")
    assert f"HOME={SCRATCH}" in environment.split()
    assert read("jobs").image.all("WORKDIR") == [SCRATCH]
