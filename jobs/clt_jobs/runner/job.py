"""The steps of one Job, in this process or in as many as work together.

They run one after the other; one that fails does not stop the others. The exit code is
the worst of them (0 committed, 75 saved on request, 74 may pass, 65 input at fault, 1 failed).
"""

import argparse
import faulthandler
import json
import logging
import os
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clt_jobs.context import StopRequested
from clt_jobs.runner.attempt import Runner
from clt_jobs.runner.faults import EXIT_CODES, FAILED, worst
from clt_jobs.runner.follow import Follower
from clt_jobs.runner.launch import Launch
from clt_jobs.runner.lead import Lead
from clt_jobs.runner.rendezvous import gather, join
from clt_jobs.runner.stop import Stop
from clt_jobs.runner.world import World
from clt_jobs.telemetry.exposition import exposed
from clt_jobs.telemetry.recorder import Recorder
from clt_operator.api.errors import CltError, TransientError
from clt_operator.api.exit_codes import SAVED_ON_REQUEST, TRANSIENT
from clt_operator.api.holder import LocalHolder, parse_stat
from clt_operator.api.redaction import redactor
from clt_operator.store import open_store
from clt_operator.store.artifacts import Artifacts
from clt_operator.store.cache import FileCache

log = logging.getLogger("clt.runner")


def run_job(arguments: Sequence[str], stop: Stop) -> int:
    """The exit code of a runner that was started with these arguments."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    faulthandler.enable(os.dup(2))  # past the tee: a crash of the process is told in any case
    try:
        world = World.of(os.environ, options.local_rank)
    except ValueError as error:
        log.error("%s", error)
        return FAILED
    if world.size > 1 and world.local is None:
        safe = ["-P"] if sys.flags.safe_path else []
        command = [sys.executable, *safe, "-m", "clt_jobs.runner", *arguments]
        return Launch(world, command).run(stop)
    if options.scratch and world.size > 1:
        options.scratch = options.scratch / f"rank-{world.local}"
    scratch = options.scratch or Path(tempfile.mkdtemp(prefix="clt-"))
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        # One process of each pod; those of other pods than rank 0's tell of themselves alone.
        with exposed({} if world.local else os.environ) as exposition:
            telemetry = Recorder(exposition)
            runner = Runner(
                artifacts=Artifacts(open_store(options.store, observer=telemetry.request)),
                holder=options.holder or own_holder(os.environ),
                scratch=scratch,
                redact=redactor(os.environ),
                stop=stop,
                hints=json.loads(options.hints.read_text()) if options.hints else {},
                cache=FileCache(Path(kept)) if (kept := os.environ.get("CLT_CACHE")) else None,
                telemetry=telemetry,
            )
            return _run_all(runner, list(dict.fromkeys(options.keys)), world)
    except StopRequested as stopped:
        log.info("%s", stopped)
        return SAVED_ON_REQUEST
    except (CltError, OSError, ValueError) as error:
        log.error("%s", error)
        return TRANSIENT if isinstance(error, TransientError) else FAILED
    finally:
        if not options.scratch:
            shutil.rmtree(scratch, ignore_errors=True)


def _run_all(runner: Runner, keys: list[str], world: World) -> int:
    if world.size == 1:
        return worst([_run(runner, key) for key in keys])
    threading.Thread(target=_leave_with_parent, daemon=True, name="parent").start()
    if world.rank > 0:
        return Follower(runner, world, join(world, keys, runner.stop)).run()
    runner.lead = Lead(world, gather(world, keys, runner.stop), runner.stop)
    code = FAILED
    try:
        code = worst([_run(runner, key) for key in keys])
    finally:
        runner.lead.end(code)
    return code


def _leave_with_parent() -> None:
    """Ends this rank where the process that started it is gone: its input ends then."""
    while os.read(0, 1):
        pass
    os._exit(TRANSIENT)


def _run(runner: Runner, key: str) -> int:
    if runner.stop.requested:
        return SAVED_ON_REQUEST  # not begun: nothing to save
    try:
        outcome = runner.run(key)
    except CltError as error:  # no attempt, hence no outcome: the exit code speaks
        log.error("%s: %s", key[:12], error)
        return TRANSIENT if isinstance(error, TransientError) else FAILED
    return EXIT_CODES[outcome.outcome] if outcome else 0


def own_holder(environment: Mapping[str, str]) -> str:
    """The pod where there is one, else this process."""
    if uid := environment.get("CLT_POD_UID"):
        return f"pod:{uid}"
    try:
        ticks = parse_stat(Path("/proc/self/stat").read_text(errors="replace"))[1]
    except OSError:
        ticks = 0
    return str(LocalHolder(socket.gethostname(), os.getpid(), ticks))


def _parser() -> argparse.ArgumentParser:
    parser: Any = argparse.ArgumentParser(prog="python -m clt_jobs.runner", description=__doc__)
    parser.add_argument("--store", required=True, metavar="URI")
    parser.add_argument("--scratch", type=Path, metavar="DIR", help="default: a temporary folder")
    parser.add_argument("--holder", default="", help="default: pod:$CLT_POD_UID or this process")
    parser.add_argument(
        "--hints", type=Path, metavar="FILE", help="JSON: key to hints, instead of the stored ones"
    )
    parser.add_argument(
        "--local-rank", type=int, metavar="N", help="given by the process that starts the ranks"
    )
    parser.add_argument("keys", nargs="+", metavar="KEY")
    return parser  # type: ignore[no-any-return]
