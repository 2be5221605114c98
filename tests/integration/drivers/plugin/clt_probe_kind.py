"""A step kind for tests, installed as a plug-in: it does what its hints say.

Hints: ``trace`` (a file to which every begin is appended), ``behaviour`` (what each try does,
in order; ``commit`` after the last), ``gate`` (a file to wait for before going on).
"""

import os
import signal
import time
from pathlib import Path
from typing import ClassVar

from clt_jobs.context import StopRequested
from clt_operator.api.base import Params
from clt_operator.api.errors import InputError, TransientError

STEP_OF_WAITING = 0.005  # seconds


class ProbeParams(Params):
    kind: ClassVar[str] = "probe"
    name: str


def probe(params, context):
    trace = Path(context.hints["trace"])
    before = trace.read_text().split() if trace.exists() else []
    with trace.open("a") as file:
        file.write(f"{params.name}\n")
    print(f"begin {params.name}")
    todo = context.hints.get("behaviour", [])
    tried = before.count(params.name)
    act(todo[tried] if tried < len(todo) else "commit", context)
    read = [(context.input(n) / "v.txt").read_text() for n in sorted(context.input_names)]
    (context.output("out") / "v.txt").write_text(params.name + "".join(read)[:200])


def act(what: str, context) -> None:
    if what == "transient":
        raise TransientError("the wire is down")
    if what == "input":
        raise InputError("row 3 is not JSON")
    if what == "fail":
        raise ValueError("shapes differ")
    if what == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "vanish":
        os._exit(3)
    if what == "quit":
        os._exit(0)
    if what == "stop":
        raise StopRequested("as asked")
    if what == "gate":
        while not Path(context.hints["gate"]).exists():
            if context.stop_requested:
                raise StopRequested("at the gate")
            time.sleep(STEP_OF_WAITING)
    if what == "deaf":
        while not Path(context.hints["gate"]).exists():
            time.sleep(STEP_OF_WAITING)
