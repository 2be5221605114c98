"""A real runner shows every series of Jobs in the catalogue: none is dead.

Steps are made so long that they are at work for as long as the test wants to look; a signal ends
them, and what they leave in their outcomes is read, too.
"""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.tiny import save_tiny
from support.training import train_params, write_inputs

from clt_jobs.data.rows import Row, write_rows
from clt_operator.api import figures
from clt_operator.api.base import Params
from clt_operator.api.kinds.generate import GenerateParams
from clt_operator.api.kinds.likelihood import LikelihoodParams
from clt_operator.api.step import Input, Manifest, StepDocument, Work, make_step
from clt_operator.api.telemetry import SERIES
from clt_operator.store import open_store
from clt_operator.store.artifacts import Artifacts

pytestmark = pytest.mark.xdist_group("series-of-jobs")  # what it is made of is made once

DEADLINE = 180.0  # seconds after which what is waited for counts as missed
LABELS = {"model": "tiny", "mix": "two", "k": "20", "seed": "0", "sweep": "main"}
ENDLESS = 20_000  # steps or items: more than the test has patience for


class World:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.artifacts = Artifacts(open_store(str(root / "store")))
        self.committed: dict[str, str] = {}  # input name → key

    def commit(self, name: str, directory: Path) -> None:
        """Makes a directory the output ``out`` of an artifact of its own."""
        key = f"{len(self.committed) + 1:064x}"
        claim = self.artifacts.claim(key, "local:test:1:1", "2026-01-01T00:00:00Z")
        files = self.artifacts.stage_outputs(claim, {"out": directory})
        manifest = Manifest(key=key, kind="fetch", attempt=claim.attempt, outputs=files)
        assert self.artifacts.commit(manifest)
        self.committed[name] = key

    def step(self, params: Params, names: dict[str, str], **hints: object) -> str:
        """The key of a stored step that reads what was committed under these names."""
        inputs = tuple(Input(name, self.committed[of], "out") for name, of in names.items())
        step = make_step(Work(params), inputs, LABELS, hints)
        self.artifacts.put_document(StepDocument.of(step))
        return step.key

    @contextmanager
    def running(self, key: str) -> Iterator["Running"]:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = int(free.getsockname()[1])
        command = [sys.executable, "-P", "-m", "clt_jobs.runner", "--store"]
        process = subprocess.Popen(
            [*command, str(self.root / "store"), key],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "CLT_METRICS_PORT": str(port)},
        )
        try:
            yield Running(process, port)
        finally:
            process.kill()
            process.communicate()


class Running:
    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.process, self.port = process, port

    def scraped(self, until: Callable[[str], bool]) -> str:
        """The first scrape of which this is true."""
        end, text = time.monotonic() + DEADLINE, ""
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise AssertionError((self.process.stdout or sys.stdin).read())
            try:
                address = f"http://127.0.0.1:{self.port}/metrics"
                with urllib.request.urlopen(address, timeout=5) as answer:
                    text = answer.read().decode()
            except (urllib.error.URLError, ConnectionError):
                text = ""
            if text and until(text):
                return text
            time.sleep(0.02)
        raise AssertionError(f"not seen in time; the last scrape:\n{text}")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=DEADLINE)
        assert self.process.returncode == 75


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    root = tmp_path_factory.mktemp("world")
    made = World(root)
    for name, directory in write_inputs(root / "inputs").items():
        made.commit(name, directory)
    made.commit("tiny", save_tiny(root / "tiny"))
    rows = [
        Row(id=f"en-{n}", item=str(n), language="en", prompt=f"{n} + 9 ?", answer=str(n + 9))
        for n in range(4000)
    ]
    (root / "rows").mkdir()
    write_rows(root / "rows", rows)
    made.commit("rows", root / "rows")
    return made


def names_in(text: str) -> set[str]:
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return {line.partition("{")[0].partition(" ")[0] for line in lines}


def value(text: str, series: str) -> float:
    line = next(line for line in text.splitlines() if line.startswith(series))
    return float(line.rpartition(" ")[2])


def counted(series: str) -> Callable[[str], bool]:
    """That a series (with its labels) is there and above zero."""
    return lambda text: f"\n{series}" in text and value(text, series) > 0


@pytest.fixture(scope="module")
def scrapes(world: World) -> list[str]:
    """Of a training that is stopped and taken up again, a generation and a likelihood."""
    names = ["model", "sums/en", "sums/es"]
    training = world.step(
        train_params(steps=ENDLESS, epochs=0),
        {name: name for name in names},
        save_every_seconds=0.05,
    )
    saved, validated = counted("clt_checkpoint_bytes_total"), counted("clt_train_validation_loss")
    found = []
    with world.running(training) as running:
        found.append(running.scraped(lambda text: saved(text) and validated(text)))
        running.stop()
    with world.running(training) as running:
        found.append(running.scraped(counted("clt_step_resumes_total")))
        running.stop()
    cell = {"task": "sums", "language": "en"}
    for params in (GenerateParams(**cell, max_new_tokens=16), LikelihoodParams(**cell)):
        key = world.step(params, {"model": "tiny", "rows": "rows"}, batch_size=4)
        with world.running(key) as running:
            found.append(running.scraped(counted('clt_items_total{language="en",task="sums"}')))
            running.stop()
    return found


@pytest.mark.parametrize("series", [s for s in SERIES if s.where == "job"], ids=lambda s: s.name)
def test_a_real_runner_shows_the_series(scrapes: list[str], series) -> None:
    shown = set().union(*(names_in(text) for text in scrapes))
    assert set(series.exposed) <= shown


def test_no_series_of_a_job_is_outside_the_catalogue(scrapes: list[str]) -> None:
    known = {name for s in SERIES for name in s.exposed}
    known |= {name.replace("_total", "_created") for name in known}
    known |= {name.replace("_count", "_created") for name in known}
    shown = {n for text in scrapes for n in names_in(text) if n.startswith("clt_")}
    assert shown <= known


def test_a_pod_says_what_its_run_is_about(scrapes: list[str]) -> None:
    for text in scrapes:
        line = next(line for line in text.splitlines() if line.startswith("clt_run_info{"))
        assert all(f'{name}="{text}"' in line for name, text in LABELS.items())


def test_promise_nothing_is_forgotten_the_outcome_keeps_what_the_pod_had_counted(
    world: World, scrapes: list[str]
) -> None:
    keys = [key for key in world.artifacts.attempt_numbers() if world.artifacts.outcome(key, 2)]
    (training,) = keys
    first, second = (world.artifacts.outcome(training, n) for n in (1, 2))
    assert first
    assert second
    tokens = figures.parts(first.figures, figures.TOKENS)
    assert tokens["en"] >= value(scrapes[0], 'clt_train_tokens_total{language="en"}')
    assert first.figures[figures.CHECKPOINTS] > 0
    assert first.figures.get(figures.RESUMED, 0) == 0
    assert second.figures[figures.RESUMED] == 1
    written = f"{figures.STORE_BYTES}.written"
    assert first.figures[written] > first.figures[figures.CHECKPOINT_BYTES]
