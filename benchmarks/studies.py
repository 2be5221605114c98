"""The studies that the control plane is measured with, and artifacts that are there already."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from cluster.harness.experiments import manifest, small_study
from cluster.harness.outputs import FILES, outputs_of

from clt_operator.api.step import FileEntry, Graph, Manifest, Step, StepDocument
from clt_operator.drivers.cluster.accept import typed
from clt_operator.plan.build import Plan, plan
from clt_operator.resolve import Lookups, resolve
from clt_operator.resolve.hub import Hub
from clt_operator.store import layout
from clt_operator.store.file import FileStore
from clt_operator.store.records import encode

NAME = "study"  # of the Experiment

Json = dict[str, Any]


def wide(trainings: int) -> Json:
    """A spec whose trainings are one level: as many learning rates, one language."""
    spec = small_study(seeds=[0], report={})
    spec["languages"]["evaluate"] = ["en"]
    spec["tasks"][-1]["metrics"] = ["numeric"]
    spec["sweeps"][0] |= {
        "samplesPerLanguage": {"values": [20]},
        "untrained": False,
        "axes": {"train.learningRate": [at * 1e-6 for at in range(1, trainings + 1)]},
    }
    return spec


def deep(seeds: int, values: int = 2) -> Json:
    """The small quickstart with so many seeds and values of k: 13 steps each, from training to
    scores, and what they need and what reads them."""
    spec = small_study(seeds=list(range(seeds)))
    counts = [20 * at for at in range(values)]
    spec["sweeps"][0]["samplesPerLanguage"] = {"values": counts}
    return spec


def planned(spec: Json, namespace: str) -> Plan:
    """What the operator makes of a spec; needs no network."""
    experiment = typed(manifest(spec, NAME, namespace))
    with tempfile.TemporaryDirectory() as empty:
        lock = resolve(experiment, Lookups(Path(empty), Hub(""), False, {}, {}), None)
    return plan(experiment.spec, lock)


def level_of(graph: Graph, kind: str) -> list[Step]:
    """The steps of a kind that no other step of the kind reads, directly or through others."""
    below: set[str] = set()
    for step in reversed(list(graph)):
        if step.key in below or step.kind == kind:
            below.update(item.key for item in step.inputs)
    return [step for step in graph if step.kind == kind and step.key not in below]


def before(graph: Graph, level: Iterable[Step]) -> list[Step]:
    """Everything that the steps of a level need, without themselves."""
    stack = [item.key for step in level for item in step.inputs]
    found: set[str] = set()
    while stack:
        if (key := stack.pop()) not in found:
            found.add(key)
            stack.extend(item.key for item in graph.steps[key].inputs)
    return [step for step in graph if step.key in found]


def commit(folder: Path, steps: Iterable[Step]) -> None:
    """Makes steps look committed, in the directory that a gateway serves: manifests whose files
    nobody reads."""
    store = FileStore(folder)
    for step in steps:
        files = {
            output: [FileEntry(path=f"{output}/{_file(output)}", size=0, sha256="0" * 64)]
            for output in outputs_of(StepDocument.of(step))
        }
        manifest = Manifest(key=step.key, kind=step.kind, attempt=1, outputs=files)
        store.put(layout.committed(step.key), encode(manifest), durable=False)


def _file(output: str) -> str:
    return FILES.get(output, ("stub.txt", ""))[0]
