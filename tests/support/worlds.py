"""Runners of several processes and pods on this machine, and a small training for them."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from support.training import train_params, write_base, write_tokens

from clt_jobs.models.load import load_tokenizer
from clt_operator.api.step import Input, Manifest, StepDocument, Work, make_step
from clt_operator.api.times import now
from clt_operator.store import open_store
from clt_operator.store.artifacts import Artifacts

LONGEST = 300  # seconds


def put_artifact(artifacts: Artifacts, key: str, output: str, directory: Path) -> None:
    """Commits a directory as the only output of a step of this key."""
    claim = artifacts.claim(key, "local:test:1:1", now())
    files = artifacts.stage_outputs(claim, {output: directory})
    artifacts.commit(Manifest(key=key, kind="fetch", attempt=claim.attempt, outputs=files))


def put_training(artifacts: Artifacts, root: Path, *, steps: int = 120, seed: int = 0) -> str:
    """Stores the document and the inputs of a training of small steps; its key."""
    base = write_base(root / "model")
    if not artifacts.manifest("a" * 64):
        put_artifact(artifacts, "a" * 64, "model", base)
        tokens = write_tokens(root / "en", len(load_tokenizer(base)), rows=8 * steps)
        put_artifact(artifacts, "b" * 64, "tokens", tokens)
    params = train_params(
        {"en": 7 * steps}, batch_size=7, select="last", evaluate_every_steps=0, init_seed=seed
    )
    inputs = Input("model", "a" * 64, "model"), Input("sums/en", "b" * 64, "tokens")
    step = make_step(Work(params), inputs, {}, {"save_every_seconds": 0, "micro_batch_size": 2})
    artifacts.put_document(StepDocument.of(step))
    return step.key


@dataclass
class Worlds:
    """Starts worlds that work on the steps of one store, and ends what is left of them."""

    store: str
    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    pods: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.artifacts = Artifacts(open_store(self.store))

    def start(
        self, *keys: str, nodes: int = 1, per_node: int = 1, **environment: str
    ) -> list[subprocess.Popen[bytes]]:
        """One process for each pod; what they print goes to ``pod-<n>.log``."""
        port = free_port()
        self.pods = [
            subprocess.Popen(
                [sys.executable, "-P", "-m", "clt_jobs.runner", "--store", self.store, *keys],
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
                    "OMP_NUM_THREADS": "1",
                    "CLT_POD_UID": f"pod-{node}",
                    "PET_NNODES": str(nodes),
                    "PET_NPROC_PER_NODE": str(per_node),
                    "PET_NODE_RANK": str(node),
                    "PET_MASTER_ADDR": "127.0.0.1",
                    "PET_MASTER_PORT": str(port),
                    **self.environment,
                    **environment,
                },
                stdout=(self.root / f"pod-{node}.log").open("ab"),
                stderr=subprocess.STDOUT,
            )
            for node in range(nodes)
        ]
        return self.pods

    def codes(self) -> list[int]:
        """How the pods ended."""
        return [pod.wait(timeout=LONGEST) for pod in self.pods]

    def run(self, *keys: str, **world: object) -> list[int]:
        self.start(*keys, **world)  # type: ignore[arg-type]
        return self.codes()

    def outcomes(self, key: str) -> list[str | None]:
        return [s.outcome.outcome if s.outcome else None for s in self.artifacts.attempts(key)]

    def files(self, key: str) -> dict[str, str]:
        """What was committed: paths and checksums."""
        manifest = self.artifacts.manifest(key)
        assert manifest is not None
        return {file.path: file.sha256 for files in manifest.outputs.values() for file in files}

    def wait_until_saved(self, key: str, attempt: int) -> None:
        """Until the attempt has stored a state to resume from."""
        prefix = f"attempts/{key}/{attempt:04d}/resume/"

        def saved() -> bool:
            names = [info.name for info in self.artifacts.store.list(prefix)]
            return any(name.endswith("COMPLETE.json") for name in names)

        eventually(saved, f"attempt {attempt} saves", self.log)

    def log(self) -> str:
        logs = sorted(self.root.glob("pod-*.log"))
        return "\n".join(f"{log.name}:\n{log.read_text()[-3000:]}" for log in logs)

    def end(self) -> None:
        for pod in self.pods:
            if pod.poll() is None:
                pod.kill()  # the ranks end with it
                pod.wait()


@contextmanager
def worlds(store: str, root: Path, **environment: str) -> Iterator[Worlds]:
    made = Worlds(store, root, environment)
    try:
        yield made
    finally:
        made.end()


def ranks_of(pod: "subprocess.Popen[bytes]") -> list[int]:
    """The process ids of the ranks that a pod's first process started, by local rank."""
    children = Path(f"/proc/{pod.pid}/task/{pod.pid}/children").read_text().split()

    def local(pid: str) -> int:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return int(words[words.index(b"--local-rank") + 1])

    return sorted(map(int, children), key=lambda pid: local(str(pid)))


def eventually(check: Callable[[], bool], what: str, say: Callable[[], str]) -> None:
    pause = threading.Event()
    for _ in range(LONGEST * 20):
        if check():
            return
        pause.wait(0.05)
    raise AssertionError(f"{what}: not within {LONGEST} s\n{say()}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
