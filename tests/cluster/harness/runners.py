"""Real runners in the place of the stub: each pod of a Job is a process of this machine.

KWOK says that the pod runs, ``python -m clt_jobs.runner`` does what its container would: with the
pod's own arguments and environment, signals and exit code. Where a pod declares a port for its
metrics, the process listens on a free one of this machine, and ``seen`` is told before it starts.
"""

import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cluster.harness.client import Client, Json
from cluster.harness.container import Container, Ending
from cluster.harness.processes import Program, free_port
from cluster.harness.stub import Stub

SEEN = Callable[[Json, int], None]  # pod, port
HIDDEN = ("AWS_", "KUBE", "CLT_")


class Runners(Stub):
    """``seen`` and ``gone`` say when a pod's process is about to start and has ended."""

    def __init__(
        self,
        client: Client,
        namespace: str,
        environment: Mapping[str, str],
        *,
        directory: Path,
        hints: Mapping[str, Any],
        seen: SEEN,
        gone: Callable[[Json], None],
    ) -> None:
        """``environment`` is what the pods' Secrets hold, ``hints`` add to those of trainings."""
        super().__init__(client, namespace, environment)
        self._secrets, self._directory, self._hints = environment, directory, hints
        self._seen, self._gone = seen, gone
        self.programs: list[Program] = []

    def _run(self, container: Container, pod: Json) -> Ending | None:
        program, port = self._program(container, pod)
        self.programs.append(program)
        self._seen(pod, port)
        try:
            program.start()
            return self._watched(program, container)
        finally:
            program.kill()
            self._gone(pod)

    def _watched(self, program: Program, container: Container) -> Ending | None:
        told = False
        while program.running:
            if container.gone.wait(0.05):
                return None
            if container.stop.is_set() and not told:
                program.signal(signal.SIGTERM)
                told = True
        code = program.code
        assert code is not None
        return Ending(code if code >= 0 else 128 - code)

    def _program(self, container: Container, pod: Json) -> tuple[Program, int]:
        spec = pod["spec"]["containers"][0]
        scratch = self._directory / pod["metadata"]["name"]
        scratch.mkdir(parents=True)
        arguments = list(spec["args"])
        arguments[arguments.index("--scratch") + 1] = str(scratch)
        arguments[:0] = ["--hints", str(self._write_hints(container, scratch))]
        port = free_port()
        environment = {
            **{n: v for n, v in os.environ.items() if not n.startswith(HIDDEN)},
            **{each["name"]: _value(each, pod) for each in spec["env"]},
            **self._secrets,
            "HOME": str(scratch),
            "CLT_METRICS_PORT": str(port),
        }
        command = [sys.executable, *spec["command"][1:], *arguments]
        return Program(pod["metadata"]["name"], command, self._directory, environment), port

    def _write_hints(self, container: Container, scratch: Path) -> Path:
        path = scratch / "hints.json"
        documents = {key: container.artifacts.document(key) for key in container.keys}
        path.write_text(
            json.dumps({key: {**doc.hints, **self._hints} for key, doc in documents.items()})
        )
        return path


def _value(variable: Json, pod: Json) -> str:
    """Of a variable that is given, or taken from a field of the pod."""
    if "value" in variable:
        return str(variable["value"])
    field = variable["valueFrom"]["fieldRef"]["fieldPath"]
    assert field == "metadata.uid", field
    return str(pod["metadata"]["uid"])
