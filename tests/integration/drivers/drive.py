"""``python drive.py SPEC``: runs a graph with the local driver, as a process to be killed.

SPEC is JSON: store, scratch, jobs, grace, steps (name, inputs by name, hints) in order; the
last one is the target.
"""

import json
import sys
from pathlib import Path

from clt_probe_kind import ProbeParams

from clt_operator.api.step import Graph, Input, Step, Work, make_step
from clt_operator.drivers.local import LocalOptions, run_local
from clt_operator.reconcile import Policy
from clt_operator.store import open_store
from clt_operator.store.artifacts import Artifacts


def graph_of(steps: list[dict]) -> Graph:
    made: dict[str, Step] = {}
    for item in steps:
        read = tuple(Input(f"in/{n}", made[n].key, "out") for n in item.get("inputs", []))
        work = Work(ProbeParams(name=item["name"]))
        made[item["name"]] = make_step(work, read, {"name": item["name"]}, item["hints"])
    last = steps[-1]["name"]
    return Graph({s.key: s for s in made.values()}, (made[last].key,))


def run(spec: dict, observer=None):
    options = LocalOptions(
        jobs=spec.get("jobs", 2),
        scratch=Path(spec["scratch"]),
        policy=Policy(max_batch={"probe": spec.get("batch", 1)}),
        grace=spec.get("grace", 20.0),
        pause=0.0,
        retry_failed=spec.get("retry_failed", False),
    )
    artifacts = Artifacts(open_store(spec["store"]))
    return run_local(graph_of(spec["steps"]), artifacts, options, observer)


if __name__ == "__main__":
    result = run(json.loads(Path(sys.argv[1]).read_text()))
    print(result.finished, result.jobs, result.committed)
    sys.exit({"complete": 0, "failed": 1, "interrupted": 130}[result.finished])
