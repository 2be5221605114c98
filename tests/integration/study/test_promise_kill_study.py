"""kill -9 of driver and children at random moments of a real study, then apply again: the same
keys and byte-equal result tables as an undisturbed run, every step committed once."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from support.studies import small_quickstart, write_study

from clt_operator.store import open_store
from clt_operator.store.artifacts import Artifacts

CLTCTL = Path(sys.executable).parent / "cltctl"
MOMENTS = 20
SEED = 11
MARK = "CLT_TEST_STUDY"  # in the environment of every process of one study


def start(spec: Path, store: Path, scratch: Path) -> subprocess.Popen:
    command = [CLTCTL, "apply", spec, "--local", "--store", store, "--scratch", scratch]
    return subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, MARK: str(store)},
        text=True,
    )


def finish(spec: Path, store: Path, scratch: Path) -> str:
    process = start(spec, store, scratch)
    output, _ = process.communicate(timeout=500)
    assert process.returncode == 0, output
    return output


def processes_of(store: Path) -> list[int]:
    """Driver, nursery, runners: whoever has the store's mark in its environment."""
    mark = f"{MARK}={store}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def kill_all(store: Path) -> None:
    while pids := processes_of(store):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.02)  # until /proc has let go of them


def outputs(artifacts: Artifacts) -> dict[str, dict[str, list[tuple[str, int, str]]]]:
    return {
        key: {
            name: [(file.path, file.size, file.sha256) for file in files]
            for name, files in artifacts.manifest(key).outputs.items()
        }
        for key in artifacts.committed()
    }


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="finds processes through /proc")
def test_promise_kill_at_random_moments_gives_the_same_study(tmp_path):
    spec = write_study(tmp_path, small_quickstart())
    quiet = tmp_path / "quiet"
    finish(spec, quiet, tmp_path / "quiet-scratch")
    undisturbed = Artifacts(open_store(str(quiet)))

    luck = random.Random(SEED)  # noqa: S311 - moments, not secrets
    kills = rounds = 0
    while kills < MOMENTS:  # a quick machine gets to the end before: it begins anew
        rounds += 1
        store, scratch = tmp_path / f"killed-{rounds}", tmp_path / f"scratch-{rounds}"
        kills += disturb(spec, store, scratch, luck, MOMENTS - kills)
        finish(spec, store, scratch)
        killed = Artifacts(open_store(str(store)))
        assert killed.committed() == undisturbed.committed()
        assert outputs(killed) == outputs(undisturbed)
        for key in killed.committed():
            ended = Counter(
                state.outcome.outcome if state.outcome else None for state in killed.attempts(key)
            )
            assert ended["committed"] == 1, (key, ended)
            assert set(ended) <= {"committed", "lost"}, (key, ended)


def disturb(spec: Path, store: Path, scratch: Path, luck: random.Random, most: int) -> int:
    """Kills everything of a study up to ``most`` times, until a driver gets to the end; returns
    how often there was a driver to kill."""
    kills = 0
    while kills < most:
        driver = start(spec, store, scratch)
        time.sleep(luck.uniform(0.5, 9.0))  # the moment of death is what is tried
        alive = driver.poll() is None
        kill_all(store)
        driver.communicate()
        if not alive:
            break
        kills += 1
    return kills
