"""Ten thousand steps: the operator's memory, the size of the status, how long ``cltctl diff``
takes.

Half of the steps are committed beforehand and the rest wait for one level of trainings, of which
as many Jobs as the limit allows are outstanding and do not end: the largest state in which the
operator stays. Then it is started again: with the whole history to read, that is its peak.
"""

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import yaml
from cluster.harness.experiments import manifest
from cluster.harness.operator import Operator
from cluster.harness.waiting import until
from measured import CLTCTL
from scene import LIMITS, Place, looks, scene
from studies import NAME, Json, commit, deep, planned

OUTSTANDING = 500  # the default of the profiles
REST = 10.0  # seconds after a start before memory is read

_Diffs = tuple[tuple[float, ...], tuple[float, ...], float]


@dataclass(frozen=True)
class Grown:
    """Memory in MiB: ``idle`` before the experiment, ``steady`` while its Jobs run, ``peak`` the
    most that the process ever had; ``status`` in bytes of JSON; ``diffs`` in seconds, and
    ``diffs_busy`` in seconds of the processor."""

    steps: int
    jobs: int
    idle: float
    steady: tuple[float, ...]
    peaks: tuple[float, ...]
    status: int
    diffs: tuple[float, ...]
    diffs_busy: tuple[float, ...]
    diff_peak: float


def measure(seeds: int, values: int, runs: int, outstanding: int = OUTSTANDING) -> Grown:
    """``seeds`` × ``values`` trainings."""
    spec = deep(seeds, values)
    limits = {**LIMITS, "outstandingJobs": outstanding}
    with scene() as at, at.place("many", limits=limits) as place:
        graph = planned(spec, place.namespace).graph
        steps = list(graph)
        trainings = [step.key for step in steps if step.kind == "train"]
        left = set(trainings[len(trainings) // 2 :])  # and whatever reads them
        done = []
        for step in steps:
            if step.key in left or any(item.key in left for item in step.inputs):
                left.add(step.key)
            else:
                done.append(step)
        commit(place.folder, done)
        operator = place.operator()
        idle = _memory(operator, "VmRSS")
        place.experiments.create(spec, NAME)
        expected = min(outstanding, sum(1 for key in trainings if key in left))

        def running() -> bool:
            counts = place.experiments.status(NAME).get("counts", [])
            return sum(row.get("queued", 0) + row.get("running", 0) for row in counts) >= expected

        until(running, 300, what="the Jobs are outstanding", pause=0.5)
        steady, peaks = [], []
        for turn in range(runs):
            if turn:
                operator.stop()
                operator.start()
            until(lambda: looks(operator) >= 1, 60, what="it looked")
            time.sleep(REST)
            steady.append(_memory(operator, "VmRSS"))
            peaks.append(_memory(operator, "VmHWM"))
        found = place.experiments.status(NAME)
        diffs, busy, diff_peak = _diffs(place, spec, len(steps), runs)
        return Grown(
            len(steps),
            expected,
            idle,
            tuple(steady),
            tuple(peaks),
            len(json.dumps(found, separators=(",", ":"), ensure_ascii=False).encode()),
            diffs,
            busy,
            diff_peak,
        )


def _diffs(place: Place, spec: Json, steps: int, runs: int) -> _Diffs:
    """``cltctl diff`` of the same spec, which must find it unchanged: seconds, seconds of the
    processor, MiB at most."""
    path = place.directory / "study.yaml"
    path.write_text(yaml.safe_dump(manifest(spec, NAME, place.namespace)), encoding="utf-8")
    environment = {**os.environ, **place.store.environment}
    words = [str(CLTCTL), "diff", str(path), f"--kubeconfig={place.cluster.kubeconfig}"]
    seconds, busy, peak = [], [], 0.0
    for _ in range(runs):
        begun = time.perf_counter()
        process = subprocess.Popen(
            words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds.append(time.perf_counter() - begun)
        busy.append(usage.ru_utime + usage.ru_stime)
        peak = max(peak, usage.ru_maxrss / 1024)
        assert process.returncode == 0, f"diff found a difference: {said[:2000]}"
        assert f"{steps} kept" in said, said[:2000]
    return tuple(seconds), tuple(busy), peak


def _memory(operator: Operator, name: str) -> float:
    """MiB: VmRSS now, VmHWM at most."""
    text = Path(f"/proc/{operator.pid}/status").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024
