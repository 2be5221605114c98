"""A real Prometheus: its programs are those of the machine, it is asked through its HTTP API.

Debian and Ubuntu have it as package ``prometheus`` (``make e2e-packages`` installs it). Where a
program is missing, tests that need it are skipped with the reason, or fail where CI is set.

``running`` takes the scrape configuration that the docs print. There is no kubelet to discover
pods from, so their discovery is replaced by files that say the same of each pod; what is made of
it (``relabel_configs``) is the docs' own.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.fences import blocks

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "how-to" / "monitor-runs.md"
RULES = ROOT / "charts" / "clt" / "rules" / "clt.yaml"
START_SECONDS = 60
META = "__meta_kubernetes_"


def program_or_skipped(name: str) -> Path:
    """``prometheus`` or ``promtool``."""
    found = shutil.which(name)
    if found:
        return Path(found)
    reason = f"{name} is not installed: apt-get install prometheus"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@dataclass(frozen=True)
class Sample:
    """A series of an answer: its labels and its values by time."""

    labels: Mapping[str, str]
    values: tuple[tuple[float, float], ...]


class Prometheus:
    """A running one. ``show`` and ``hide`` are its discovery of pods."""

    def __init__(self, address: str, pods: Path) -> None:
        self.address, self._pods = address, pods

    def show(self, pod: Mapping[str, Any], port: int) -> None:
        """A pod whose port ``metrics`` is ``port`` of this machine is there."""
        group = {"targets": [f"127.0.0.1:{port}"], "labels": discovered(pod)}
        path = self._file(pod)
        path.with_suffix(".new").write_text(json.dumps([group]))
        path.with_suffix(".new").replace(path)

    def hide(self, pod: Mapping[str, Any]) -> None:
        """It has ended."""
        self._file(pod).unlink(missing_ok=True)

    def targets(self) -> list[dict[str, Any]]:
        """What it scrapes now."""
        return list(self._get("targets", state="active")["activeTargets"])

    def rules(self) -> list[dict[str, Any]]:
        """The alerts of the chart, with how their evaluation went."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def values(self, label: str, *selectors: str) -> list[str]:
        """The values of a label, as a dashboard's variable asks for them."""
        return list(self._get(f"label/{label}/values", **{"match[]": list(selectors)}))

    def over(self, expression: str, start: float, end: float, step: float = 1) -> list[Sample]:
        """The expression at each step of a range."""
        answer = self._get("query_range", query=expression, start=start, end=end, step=step)
        return [
            Sample(found["metric"], tuple((at, float(value)) for at, value in found["values"]))
            for found in answer["result"]
        ]

    def _file(self, pod: Mapping[str, Any]) -> Path:
        return self._pods / f"{pod['metadata']['uid']}.json"

    def _get(self, path: str, **query: Any) -> Any:
        asked = urllib.parse.urlencode(query, doseq=True)
        url = f"http://{self.address}/api/v1/{path}?{asked}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{query or path}: {error.read().decode()}") from error


def discovered(pod: Mapping[str, Any]) -> dict[str, str]:
    """What Prometheus' discovery of the role ``pod`` says of a pod, as far as the docs use it."""
    meta = pod["metadata"]
    said = {
        "namespace": meta["namespace"],
        "pod_name": meta["name"],
        "pod_phase": "Running",
        "pod_container_port_name": "metrics",
    }
    for label, value in meta.get("labels", {}).items():
        said["pod_label_" + re.sub(r"[^a-zA-Z0-9_]", "_", label)] = value
    return {META + name: value for name, value in said.items()}


def configuration(pods: Path, interval: str) -> dict[str, Any]:
    """The docs' scrape configuration, which finds pods in files; with the rules of the chart."""
    block = next(b for b in blocks(GUIDE, ROOT) if "scrape_configs" in b.text)
    jobs = yaml.safe_load(block.text)["scrape_configs"]
    for job in jobs:
        assert job.pop("kubernetes_sd_configs") == [{"role": "pod"}]
        job["file_sd_configs"] = [{"files": [f"{pods}/*.json"], "refresh_interval": "1s"}]
        job["scrape_interval"] = interval
    return {
        "global": {"scrape_interval": interval, "evaluation_interval": "5s"},
        "rule_files": [str(RULES)],
        "scrape_configs": jobs,
    }


@contextmanager
def running(directory: Path, interval: str = "1s") -> Iterator[Prometheus]:
    """One with no pods yet, stopped at the end by its process id."""
    program = program_or_skipped("prometheus")
    pods = directory / "pods"
    pods.mkdir(parents=True)
    config = directory / "prometheus.yml"
    config.write_text(yaml.safe_dump(configuration(pods, interval)))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    log = directory / "prometheus.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={config}",
                f"--storage.tsdb.path={directory / 'data'}",
                f"--web.listen-address={address}",
            ],
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
    try:
        _wait_until_ready(process, address, log)
        yield Prometheus(address, pods)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://{address}/-/ready", timeout=1) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)  # the port does not answer yet
    raise RuntimeError(f"Prometheus did not start: {log.read_text(errors='replace')[-2000:]}")
