"""``python -m clt_jobs.runner`` as a Job runs it: exit codes, signals, several steps."""

import signal
import subprocess
import sys
import time

import pytest

from clt_operator.api.step import StepDocument


def begin(world, *steps, names=None, **options):
    graph = world.drive.graph_of(list(steps))
    for step in graph:
        world.artifacts.put_document(StepDocument.of(step))
    keys = [s.key for s in graph if names is None or s.labels["name"] in names]
    command = [sys.executable, "-P", "-m", "clt_jobs.runner", "--store", world.store, *keys]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)


@pytest.mark.parametrize(
    ("behaviours", "code"),
    [
        ([()], 0),
        ([("stop",)], 75),
        ([("transient",)], 74),
        ([("input",)], 65),
        ([("fail",)], 1),
        ([(), ("transient",), ("input",)], 65),
        ([("input",), ("fail",), ()], 1),
    ],
)
def test_promise_exit_codes_of_the_process(world, behaviours, code):
    steps = [world.step(f"s{at}", behaviour=b) for at, b in enumerate(behaviours)]
    process = begin(world, *steps)
    process.communicate(timeout=60)
    assert process.returncode == code
    begun = [f"s{at}" for at in range(len(steps))]
    assert world.begun() == begun, "one that fails does not stop the others"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_promise_exit_codes_a_signal_saves_and_begins_nothing_more(world, number):
    steps = (world.step("long", behaviour=("gate",)), world.step("next"))
    process = begin(world, *steps)
    world.eventually(world.begun, "the step begins")
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == 75
    assert world.begun() == ["long"]
    assert world.outcomes(world.key(steps, "long")) == ["saved"]
    assert world.outcomes(world.key(steps, "next")) == []


def test_a_second_signal_kills(world):
    process = begin(world, world.step("deaf", behaviour=("deaf",)))
    world.eventually(world.begun, "the step begins")
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode in (-signal.SIGINT, -signal.SIGTERM)


def test_secrets_of_the_environment_are_in_no_log(world, monkeypatch):
    monkeypatch.setenv("PROBE_TOKEN", "begin leaky")
    steps = (world.step("leaky"),)
    output, _ = begin(world, *steps).communicate(timeout=60)
    assert b"begin leaky" not in output
    log = world.artifacts.log(world.key(steps, "leaky"), 1)
    assert b"begin leaky" not in log
    assert b"[redacted]" in log


def test_a_pod_holds_by_its_uid(world, monkeypatch):
    monkeypatch.setenv("CLT_POD_UID", "1234-abcd")
    steps = (world.step("one"),)
    begin(world, *steps).communicate(timeout=60)
    assert world.artifacts.attempts(world.key(steps, "one"))[0].claim.holder == "pod:1234-abcd"


def test_the_runner_starts_without_heavy_libraries(world):
    heavy = "torch transformers numpy pyarrow boto3 datasets"
    program = (
        "import sys, clt_jobs.runner.__main__\n"
        f"print([name for name in '{heavy}'.split() if name in sys.modules])"
    )
    begun = time.perf_counter()
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert found.stdout.strip() == b"[]"
    assert time.perf_counter() - begun < 5
