"""The operator as a process on this machine, driving the experiments of one namespace."""

import os
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from cluster.harness.processes import Program, free_port
from cluster.harness.waiting import until

MODULE = "clt_operator.drivers.operator"
READY_SECONDS = 30

RIGHTS: dict[str, Any] = yaml.safe_load(
    (Path(__file__).parents[3] / "charts/clt/files/rights.yaml").read_text(encoding="utf-8")
)

# What the chart lets the operator do, and no more: above all it reads no Secret.
RULES: list[dict[str, Any]] = [*RIGHTS["operator"]["tenant"], *RIGHTS["operator"]["own"]]


class Operator:
    """``start`` waits until it is ready (a standby: until it is alive); ``kill`` is SIGKILL,
    ``stop`` SIGTERM. It can be started again after either, and keeps its address."""

    def __init__(
        self,
        directory: Path,
        kubeconfig: Path,
        namespace: str,
        *arguments: str,
        name: str = "operator",
        credentials: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        """``credentials`` are variables by store profile, mounted as the platform team does."""
        self._port = free_port()
        mounted = directory / "credentials"
        for profile, variables in (credentials or {}).items():
            (mounted / profile).mkdir(parents=True, exist_ok=True)
            for variable, value in variables.items():
                (mounted / profile / variable).write_text(value)
        self.program = Program(
            name,
            [
                sys.executable,
                "-m",
                MODULE,
                f"--kubeconfig={kubeconfig}",
                f"--namespace={namespace}",
                f"--profiles-namespace={namespace}",
                f"--credentials={mounted}",
                f"--bind=127.0.0.1:{self._port}",
                *arguments,
            ],
            directory,
            _inherited(),
        )

    @property
    def pid(self) -> int:
        return self.program.pid

    @property
    def running(self) -> bool:
        return self.program.running

    @property
    def port(self) -> int:
        """Where /metrics is, on this machine."""
        return self._port

    def start(self, *, ready: bool = True) -> "Operator":
        """``ready=False``: returns as soon as it answers at all."""
        self.program.start()
        until(
            lambda: self._answers("/readyz" if ready else "/healthz"),
            READY_SECONDS,
            what=f"the {self.program.name} is {'ready' if ready else 'alive'}",
        )
        return self

    def kill(self) -> None:
        self.program.kill()

    def stop(self) -> None:
        self.program.stop()

    def freeze(self) -> None:
        """SIGSTOP: as if the machine had paused it. See ``thaw``."""
        self.program.freeze()

    def thaw(self) -> None:
        self.program.thaw()

    @property
    def logs(self) -> str:
        """All that it printed, over its restarts."""
        return self.program.log.read_text(errors="replace") if self.program.log.exists() else ""

    def status(self, path: str) -> int:
        """The HTTP status of /healthz or /readyz; 0 where nobody answers."""
        try:
            with urllib.request.urlopen(self._url(path), timeout=5) as answer:  # noqa: S310
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def metrics(self) -> dict[str, float]:
        """Every series of /metrics, by its name with labels as Prometheus writes it."""
        with urllib.request.urlopen(self._url("/metrics"), timeout=5) as answer:  # noqa: S310
            lines = answer.read().decode().splitlines()
        series = (line.rpartition(" ") for line in lines if line and not line.startswith("#"))
        return {name: float(value) for name, _, value in series}

    def memory(self) -> int:
        """Bytes that it keeps in memory now."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def _answers(self, path: str) -> bool:
        if not self.program.running:
            raise RuntimeError(
                f"{self.program.name} ended, {self.program.code}: {self.program.last_words()}"
            )
        return self.status(path) == 200

    def _url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._port}{path}"


def _inherited() -> dict[str, str]:
    """This environment without what would lead the operator to another cluster or store."""
    hidden = ("AWS_", "KUBE", "CLT_")
    return {name: value for name, value in os.environ.items() if not name.startswith(hidden)}
