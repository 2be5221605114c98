"""Promise 1: rendering does no I/O, reads no clock, environment or randomness.

Same input, same bytes out, in any process.
"""

import ast
import builtins
import os
import random
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.render_samples import COMPUTE, SETTINGS, fetch_step, graph_of, samples, train_step

import clt_operator.render
from clt_operator.render.job import render_experiment
from clt_operator.render.text import to_yaml

PACKAGE = Path(clt_operator.render.__file__).parent
IMPURE = {
    "asyncio", "datetime", "getpass", "io", "locale", "os", "pathlib", "platform", "random",
    "secrets", "shutil", "socket", "subprocess", "sys", "tempfile", "threading", "time", "urllib3",
    "uuid", "boto3", "kubernetes", "requests",
}  # fmt: skip


def everything() -> str:
    return "".join(to_yaml(manifests) for _, manifests in sorted(samples().items()))


def refuse(*args, **kwargs):
    raise AssertionError("rendering is pure")


class NoEnvironment(dict):
    __getitem__ = get = __contains__ = __iter__ = refuse


def test_nothing_outside_is_read(monkeypatch):
    everything()  # imports are done
    monkeypatch.setattr(builtins, "open", refuse)
    monkeypatch.setattr(os, "environ", NoEnvironment())
    monkeypatch.setattr(os, "urandom", refuse)
    monkeypatch.setattr(socket, "socket", refuse)
    for clock in ("time", "time_ns", "monotonic", "localtime", "gmtime"):
        monkeypatch.setattr(time, clock, refuse)
    monkeypatch.setattr(random, "random", refuse)
    rendered = everything()
    monkeypatch.undo()
    assert rendered == everything()


def test_the_package_imports_nothing_impure():
    for path in PACKAGE.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not IMPURE & {name.partition(".")[0] for name in names}, path.name


@pytest.mark.parametrize("seed", ["0", "1"])
def test_bytes_are_the_same_in_another_process(seed):
    tests = Path(__file__).parents[2]
    code = (
        "from support.render_samples import samples\n"
        "from clt_operator.render.text import to_yaml\n"
        "print(''.join(to_yaml(m) for _, m in sorted(samples().items())), end='')"
    )
    environment = {"PYTHONHASHSEED": seed, "PYTHONPATH": f"{tests}{os.pathsep}{tests.parent}"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    assert done.stdout == everything()


def test_arguments_are_left_as_they_are():
    graph = graph_of(data := fetch_step(), train_step(data=data))
    before = [(step.key, dict(step.labels), dict(step.hints)) for step in graph]
    first = list(render_experiment(graph, COMPUTE, SETTINGS))
    first[0]["metadata"]["labels"]["changed"] = "by the caller"
    first[0]["spec"]["template"]["spec"]["containers"][0]["env"].clear()
    second = list(render_experiment(graph, COMPUTE, SETTINGS))
    assert "changed" not in second[0]["metadata"]["labels"]
    assert second[0]["spec"]["template"]["spec"]["containers"][0]["env"]
    assert before == [(step.key, dict(step.labels), dict(step.hints)) for step in graph]
