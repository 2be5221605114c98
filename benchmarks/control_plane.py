"""The operator on a real control plane, beside kubectl and a bare client in the same run.

    python benchmarks/control_plane.py benchmarks/results/DATE-control-plane
    python benchmarks/control_plane.py FILE --quick
    python benchmarks/control_plane.py FILE --only run grow

writes ``FILE.json``, with every single figure, and ``FILE.md``. Parts that are not measured again
stay as they are in the file. What a part measures, and how, is said at the top of its module:
``launching``, ``running``, ``restarting``, ``growing``. ``--quick`` measures a tenth of it once,
to see that everything works; its figures mean nothing. Needs Go once (``make cluster-binaries``).
"""

import argparse
import json
import os
import signal
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))  # the harness of the cluster

import growing
import launching
import restarting
import running
from measured import conditions
from tables import page

PARTS = ("idle", "working", "queue", "run", "restart", "grow")


def measure(part: str, *, quick: bool, runs: int) -> Any:
    """What a part finds, as JSON."""
    scale = 10 if quick else 1
    if part in ("idle", "working", "queue"):
        return launching.compare(part, 1000 // scale, runs)  # type: ignore[arg-type]
    if part == "run":
        return [asdict(ran) for ran in running.measure(36 // scale, runs)]
    if part == "restart":
        return asdict(restarting.measure(36 // scale, runs))
    return asdict(growing.measure(*((4, 2) if quick else (96, 8)), runs))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("results", type=Path, help="where to write, without an ending")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, metavar="PART")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is stopped, too
    data, text = (options.results.with_name(options.results.name + end) for end in (".json", ".md"))
    found: dict[str, Any] = json.loads(data.read_text()) if data.exists() else {}
    for part in options.only:
        before = os.getloadavg()[0]
        runs = 1 if options.quick else options.runs
        print(f"{part} ...", file=sys.stderr, flush=True)
        figures = measure(part, quick=options.quick, runs=runs)
        found[part] = {"figures": figures, "load": before, "conditions": conditions()}
        data.write_text(
            json.dumps({name: found[name] for name in PARTS if name in found}, indent=1)
        )
        text.write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()
