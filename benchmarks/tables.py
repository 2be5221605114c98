"""The figures of the control plane as a page: medians, spread, targets, and whether they were
met."""

import statistics
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from cluster.harness.binaries import KUBERNETES, KUEUE

AROUND = {
    "idle": "nobody else at work: no controller-manager, no scheduler",
    "working": "controllers, scheduler and KWOK make pods of the Jobs meanwhile",
    "queue": "the same, and Kueue admits every Job",
}
FASTER_THAN_KUBECTL, OF_THE_BARE_CLIENT = 1.3, 0.6
WAITING, STEADY, REACTION = 2.0, 5.0, 0.3  # seconds
MEMORY, STATUS, DIFF = 200.0, 64.0, 10.0  # MiB, KiB, seconds

NO_MOMENT = """\
*At any place* is missed: while Jobs end all the time there is nearly always one step that has been
ready for a moment, so that this sum comes near to the length of the busy levels, on two cores that
the API server, controllers, pods and the operator share. Tried, and kept: sixteen requests at a
time instead of eight; looks that end early when a Job ends; documents stored ahead; finished Jobs
deleted while the next are made; counts told less often meanwhile; answers without the body. Of a
look's time, requests to the API server (Jobs, their deletion, the status) are now the largest part.
"""


def page(found: dict[str, Any]) -> str:
    lines = ["# The control plane", ""]
    lines += _launching({name: found[name] for name in AROUND if name in found})
    for name, table in (("run", _running), ("restart", _restarting), ("grow", _growing)):
        if name in found:
            lines += table(found[name]["figures"])
    return "\n".join([*lines, *_conditions(found)]) + "\n"


def _launching(found: dict[str, Any]) -> list[str]:
    if not found:
        return []
    lines = [
        "## 1,000 steps ready at once\n\nJobs per second, median (least to most); the three take "
        "turns. *Whole*: with all that comes before the first Job (for the operator "
        "from the creation of the Experiment: lock, plan, store and documents; for the others "
        "their start). *Jobs alone*: from the first request to the last answer. The ratios are "
        "medians over the turns, of *whole*. The operator has up to 16 requests under way, the "
        "bare client 8, kubectl one: where answers are slow, that decides.\n",
        "| around | | whole | Jobs alone | operator ÷ this | target |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for around, entry in found.items():
        figures = entry["figures"]
        for name, row in figures.items():
            least = {"kubectl": FASTER_THAN_KUBECTL, "bare client": OF_THE_BARE_CLIENT}.get(name)
            ratio, target = "", ""
            if least:
                pairs = zip(figures["operator"]["whole"], row["whole"], strict=True)
                ratios = [mine / theirs for mine, theirs in pairs]
                ratio, target = (
                    spread(ratios, ".2f"),
                    _judged(f"≥ {least}", statistics.median(ratios) >= least),
                )
            rates = f"{spread(row['whole'], '.0f')} | {spread(row['launching'], '.0f')}"
            turns = f"{around}, {len(row['whole'])} turns"
            lines.append(f"| {turns} | {name} | {rates} | {ratio} | {target} |")
    return [*lines, "", *(f"- {name}: {AROUND[name]}." for name in found), ""]


def _running(runs: list[dict[str, Any]]) -> list[str]:
    reactions = [value for run in runs for value in run["reactions"]]
    medians = [statistics.median(run["reactions"]) for run in runs]
    late = [statistics.quantiles(run["reactions"], n=20)[-1] for run in runs]
    waiting = [run["waiting"] for run in runs]
    path = [run["path"] for run in runs]
    return [
        f"## A whole experiment of {runs[0]['steps']:,} short steps\n",
        f"{runs[0]['jobs']} Jobs or so, median of {len(runs)} (least to most). A step waits from "
        "the end of the last Job that it depends on to the request for its own Job, by the audit "
        "log's times. *On the way to the end*: the waits of the chain of Jobs that ended last, "
        "which is what the operator made the experiment longer by. *At any place*: time in which "
        "any step waited, overlaps counted once.\n",
        "| | seconds | target |",
        "| --- | --- | --- |",
        f"| from the Experiment to its report | {spread([r['seconds'] for r in runs], '.1f')} | |",
        f"| steps wait, on the way to the end | {_row(path, WAITING, '.2f')} |",
        f"| steps wait, at any place | {_row(waiting, WAITING, '.2f')} |",
        f"| of it before the first Job | {spread([r['begin'] for r in runs], '.2f')} | |",
        f"| Job finished → dependent Job created, median | {_row(medians, REACTION, '.3f')} |",
        f"| the same, 95th percentile | {spread(late, '.3f')} | |",
        f"\n{len(reactions):,} reactions in all.\n",
        *([] if statistics.median(waiting) < WAITING else [NO_MOMENT]),
    ]


def _restarting(found: dict[str, Any]) -> list[str]:
    steady, complete = found["steady"], found["complete_steady"]
    none = _judged("0", not any(found["writes"] + found["complete_writes"]))
    return [
        f"## Restart with {found['steps']:,} finished steps\n",
        "SIGTERM and start, seconds from the start of the process to the first look without an "
        "error; writes by the API server's audit log, leases left out.\n",
        "| | seconds | target | writes | target |",
        "| --- | --- | --- | --- | --- |",
        f"| one step still runs | {_row(steady, STEADY, '.2f')} | "
        f"{_all(found['writes'])} | {none} |",
        f"| the report is there | {_row(complete, STEADY, '.2f')} | "
        f"{_all(found['complete_writes'])} | {none} |",
        f"\n{found['resync_looks']} further looks while nothing of the experiment changed: "
        f"{found['resync_writes']} writes ({_judged('0', not found['resync_writes'])}).\n",
    ]


def _growing(found: dict[str, Any]) -> list[str]:
    status = found["status"] / 1024
    return [
        f"## {found['steps']:,} steps\n",
        f"{found['jobs']} Jobs outstanding, half of the steps done; {len(found['steady'])} starts "
        f"of the operator. Before the experiment it has {found['idle']:.0f} MiB.\n",
        "| | | target |",
        "| --- | --- | --- |",
        f"| resident memory, steady, MiB | {_row(found['steady'], MEMORY, '.0f')} |",
        f"| resident memory, peak, MiB | {_row(found['peaks'], MEMORY, '.0f')} |",
        f"| status, KiB of JSON | {status:.1f} | {_judged(f'< {STATUS:g}', status < STATUS)} |",
        f"| `cltctl diff`, seconds | {_row(found['diffs'], DIFF, '.2f')} |",
        f"| the same, seconds of the processor | {spread(found['diffs_busy'], '.2f')} | |",
        f"| `cltctl diff`, peak MiB | {found['diff_peak']:.0f} | |",
        "",
    ]


def _conditions(found: dict[str, Any]) -> list[str]:
    lines = [
        f"Kubernetes {KUBERNETES.lstrip('v')}, Kueue {KUEUE}, kubernetes client "
        f"{version('kubernetes')}, urllib3 {version('urllib3')}, boto3 {version('boto3')}; etcd "
        "without fsync, audit log on, versitygw as store, all on one machine.\n"
    ]
    for name, entry in found.items():
        lines.append(f"- {name}: load {entry['load']:.1f} at the start; {entry['conditions']}")
    return lines


def spread(values: Sequence[float], form: str) -> str:
    """Median (least to most)."""
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:{form}} ({low:{form}} to {high:{form}})"


def _row(values: Sequence[float], most: float, form: str) -> str:
    return f"{spread(values, form)} | {_judged(f'< {most:g}', statistics.median(values) < most)}"


def _judged(target: str, met: bool) -> str:
    return f"{target}: {'met' if met else '**missed**'}"


def _all(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))
