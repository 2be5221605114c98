"""What only a built image shows; each runs by itself, as restricted as a pod is, without a node."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster.harness.waiting import until
from e2e.harness import images, machine
from e2e.harness.buildah import Buildah
from e2e.harness.containers import Container, Image, mounted
from support.dockerfiles import PROJECT

from clt_operator import __version__
from clt_operator.api.step import StepDocument, Work, make_step
from clt_operator.render.pod import USER
from clt_operator.store import open_store
from clt_operator.store.artifacts import Artifacts

OPERATOR_BYTES = 250_000_000
INSTALLERS = re.compile(r"(pip|uv|uvx|conda|apk)[0-9.]*$")
COMPILERS = re.compile(r"(.*-)?(gcc|g\+\+|cc|c\+\+|cpp|clang|ld|as|make|cmake|nvcc|protoc|rustc)$")
PROGRAMS = ("bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "opt/clt/bin")
TRAINING = """
import torch, transformers, peft, accelerate, scipy.stats, sacrebleu, datasets, pyarrow.parquet
from transformers import LlamaConfig, LlamaForCausalLM
size = dict(vocab_size=99, hidden_size=32, intermediate_size=64, num_hidden_layers=2)
model = LlamaForCausalLM(LlamaConfig(num_attention_heads=4, **size))
ids = torch.randint(0, 99, (2, 16))
model(input_ids=ids, labels=ids).loss.backward()
torch.optim.AdamW(model.parameters()).step()
torch.linalg.svd(torch.randn(8, 8)), torch.fft.fft(torch.randn(8))
import matplotlib.pyplot as plt
plt.plot([1, 2]); plt.savefig("figure.svg")
"""
PROBES = PROJECT / "tests/integration/drivers/plugin"
ENTRY_POINTS = """\
[clt.step_kinds]
probe = clt_probe_kind:probe
[clt.step_params]
probe = clt_probe_kind:ProbeParams
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Iterator[dict[str, Image]]:
    if reason := machine.unsuitable():
        pytest.skip(reason)
    names = ("clt-operator", "clt-jobs")
    images.archives(names)
    buildah = Buildah(images.folder() / "storage")
    bundles = tmp_path_factory.mktemp("bundles")
    with (
        mounted(buildah, images.tag(names[0]), bundles / "operator") as operator,
        mounted(buildah, images.tag(names[1]), bundles / "jobs") as jobs,
    ):
        yield {"operator": operator, "jobs": jobs}


@pytest.fixture(params=["operator", "jobs"])
def image(request, built) -> Image:
    return built[request.param]


@pytest.fixture
def operator(built) -> Image:
    return built["operator"]


@pytest.fixture
def jobs(built) -> Image:
    return built["jobs"]


def test_promise_the_operator_image_is_below_250_mb(operator):
    print(f"e2e: operator image: {operator.size / 1e6:.0f} MB")
    assert operator.size < OPERATOR_BYTES


def test_labels_and_user_are_set_and_there_is_no_health_check(image):
    labels = image.config["Labels"]
    assert labels["org.opencontainers.image.title"].startswith("clt-")
    assert labels["org.opencontainers.image.version"]
    assert image.config["User"] == f"{USER}:{USER}"
    assert "Healthcheck" not in image.config


def test_nothing_that_installs_or_compiles_is_left(image):
    programs = [path.name for folder in PROGRAMS for path in (image.root / folder).glob("*")]
    assert "python" in programs
    assert not [name for name in programs if INSTALLERS.match(name) or COMPILERS.match(name)]
    code = "import importlib.util as u; print([n for n in ('pip', 'uv') if u.find_spec(n)])"
    assert image.run("python", "-c", code).strip() == "[]"


def test_nothing_of_the_build_is_left(image):
    assert not [
        name for name in ("build", "tools", "wheel", "source") if (image.root / name).exists()
    ]
    assert not list((image.root / "var/cache").glob("uv/*"))
    assert not list((image.root / "etc").glob("pip.conf"))
    assert not list((image.root / "etc").glob("uv/*"))


def test_the_user_is_not_root_and_can_write_only_its_own_places(image):
    code = (
        "import os, pathlib; print(os.getuid(), os.getgid(), os.getgroups(), os.getpid())\n"
        "for place in ('/opt/clt/x', '/etc/x', '/x', '/tmp/x'):\n"
        "    try: pathlib.Path(place).touch(); print(place)\n"
        "    except OSError: pass"
    )
    said = image.run("python", "-c", code).splitlines()
    assert said == [f"{USER} {USER} [] 1", "/tmp/x"]


def test_all_modules_are_compiled(image):
    """The root is read-only: what is not compiled is compiled at every start."""
    [site] = image.root.glob("opt/clt/lib/python3*/site-packages")
    sources = list(site.glob("clt_*/**/*.py"))
    assert sources
    missing = [p for p in sources if not list((p.parent / "__pycache__").glob(f"{p.stem}.*.pyc"))]
    assert not missing


def test_the_operator_imports_no_torch_and_starts(operator):
    code = "import importlib.util as u; print(u.find_spec('torch'))"
    assert operator.run("python", "-c", code).strip() == "None"
    begun = time.monotonic()
    code, said = operator.start("--help").wait()
    print(f"e2e: operator --help in a container: {time.monotonic() - begun:.2f} s")
    assert code == 0, said
    assert "Experiment" in said
    assert __version__ in operator.run("cltctl", "version")


def test_a_model_trains_and_a_figure_is_drawn_on_a_read_only_root(jobs):
    begun = time.monotonic()
    jobs.run("python", "-W", "error::UserWarning:matplotlib", "-c", TRAINING)
    print(f"e2e: torch and a training step in a container: {time.monotonic() - begun:.1f} s")


class Steps:
    """Steps of the probe kind in a store that the container sees where this machine does."""

    def __init__(self, root: Path, jobs: Image) -> None:
        self.root, self._jobs = root, jobs
        self._site = root / "site"
        info = self._site / "clt_probe_kind-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: clt-probe-kind\nVersion: 1\n")
        (info / "entry_points.txt").write_text(ENTRY_POINTS)
        self.store = root / "store"
        self.store.mkdir()
        self.artifacts = Artifacts(open_store(str(self.store)))
        self.trace = root / "trace.txt"

    def run(self, behaviour: str) -> tuple[str, Container]:
        """A Job of one step; its key and its container."""
        from clt_probe_kind import ProbeParams

        hints = {
            "trace": str(self.trace),
            "gate": str(self.root / "gate"),
            "behaviour": [behaviour],
        }
        step = make_step(Work(ProbeParams(name=behaviour)), (), {}, hints)
        self.artifacts.put_document(StepDocument.of(step))
        for path in (self.root, *self.root.rglob("*")):
            path.chmod(0o777)
        arguments = ["--store", str(self.store), "--scratch", "/scratch", step.key]
        container = self._jobs.start(
            *arguments,
            environment={"PYTHONPATH": "/plugin/site:/plugin/code"},
            mounts={
                self.root: str(self.root),
                self._site: "/plugin/site",
                PROBES: "/plugin/code",
            },
        )
        return step.key, container

    def begun(self) -> bool:
        return self.trace.exists()

    def outcomes(self, key: str) -> list[str | None]:
        return [s.outcome.outcome if s.outcome else None for s in self.artifacts.attempts(key)]


@pytest.fixture
def steps(tmp_path, monkeypatch, jobs) -> Steps:
    made = Steps(tmp_path / "world", jobs)
    for path in (PROBES, made.root / "site"):
        monkeypatch.syspath_prepend(str(path))
    for parent in made.root.parents:  # the user of the container must come to it
        if parent.owner() == "root" and tmp_path.parents[2] in (parent, *parent.parents):
            parent.chmod(0o755)
    return made


def test_the_entry_point_runs_a_step_and_commits_it(steps):
    key, container = steps.run("commit")
    code, said = container.wait()
    assert code == 0, said
    assert steps.artifacts.manifest(key)
    assert steps.outcomes(key) == ["committed"]


def test_promise_exit_codes_a_signal_reaches_process_1_which_saves(steps):
    """A process 1 without handlers of its own is deaf to signals."""
    key, container = steps.run("gate")
    try:
        until(steps.begun, 60, what="the step begins")
        container.signal("TERM")
        code, said = container.wait()
    finally:
        container.end()
    assert code == 75, said
    assert steps.outcomes(key) == ["saved"]


def test_promise_exit_codes_a_second_signal_ends_process_1(steps):
    _, container = steps.run("deaf")
    try:
        until(steps.begun, 60, what="the step begins")
        container.signal("TERM")
        time.sleep(0.2)  # two pending signals of one number are one
        container.signal("TERM")
        code, said = container.wait()
    finally:
        container.end()
    assert code == 143, said
