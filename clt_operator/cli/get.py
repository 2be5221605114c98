"""get: experiments, runs or steps, one a line."""

from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clt_operator.cli.options import (
    AllNamespacesOption,
    ContextOption,
    KubeconfigOption,
    ListFormat,
    LocalOption,
    NameArgument,
    NamespaceOption,
    StoreOption,
)

if TYPE_CHECKING:
    from clt_operator.cli.live import Live, Object
    from clt_operator.cli.place import Place
    from clt_operator.cli.stored import Stored

COLUMNS = ("name", "phase", "done", "failed", "progress", "eta", "age")
WIDE = ("queued", "running", "runs", "gpu-hours", "cost", "store", "reason")

# What tells the steps of a kind apart. A table shows what some step in it has.
TOLD = ("model", "task", "mix", "k", "seed", "metric", "language")
TELLING = (*TOLD, "sweep", "control")


class What(StrEnum):
    experiments = "experiments"
    runs = "runs"
    steps = "steps"


ALIASES = {
    "experiment": What.experiments,
    "exp": What.experiments,
    "clt": What.experiments,
    "cltexp": What.experiments,
    "run": What.runs,
    "step": What.steps,
}


def _what(text: str) -> What:
    """A plural, a singular or a short name, as kubectl takes them."""
    known = {each.value: each for each in What} | ALIASES
    if text not in known:
        raise typer.BadParameter(f"{text!r} is not one of 'experiments', 'runs', 'steps'")
    return known[text]


def _complete_what(incomplete: str) -> list[str]:
    return [each.value for each in What if each.value.startswith(incomplete)]


def register(app: typer.Typer) -> None:
    app.command("get", short_help="List experiments, runs or steps.")(get)


def get(
    what: Annotated[
        What,
        typer.Argument(
            help="What to list: experiments, runs or steps.",
            parser=_what,
            metavar="WHAT",
            autocompletion=_complete_what,
        ),
    ],
    name: NameArgument = None,
    namespace: NamespaceOption = None,
    all_namespaces: AllNamespacesOption = False,
    selector: Annotated[
        str,
        typer.Option(
            "-l",
            "--selector",
            help="Only those with these labels: team=a of experiments; mix=all4,k=100 of runs "
            "and steps.",
        ),
    ] = "",
    kind: Annotated[
        str | None, typer.Option("--kind", help="Only steps of this kind, such as train.")
    ] = None,
    watch: Annotated[
        bool, typer.Option("-w", "--watch", help="Stay and show changes of experiments.")
    ] = False,
    output: Annotated[
        ListFormat, typer.Option("-o", "--output", help="Form of the answer.")
    ] = ListFormat.table,
    store: StoreOption = None,
    local: LocalOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """List experiments, or the runs or steps of one experiment."""
    from clt_operator.cli.live import Live, find_stored, with_jobs
    from clt_operator.cli.output import command
    from clt_operator.cli.place import UsageError, place_of

    place = place_of(
        namespace=namespace, store=store, local=local, context=context, kubeconfig=kubeconfig
    )
    if what is What.experiments:
        if place.on_cluster:
            _live_experiments(Live(place), name, selector, output, all_namespaces, watch)
        else:
            _stored_experiments(place, name, selector, output, all_namespaces, watch)
        return
    if name is None:
        raise UsageError(f"name the experiment: cltctl get {what.value} NAME")
    if watch or all_namespaces:
        option = "--watch" if watch else "--all-namespaces"
        raise UsageError(f"{option} is for experiments: {command('get', 'experiments', name)} -w")
    if place.on_cluster:
        live = Live(place)
        found = with_jobs(live, live.get(name))
    else:
        found = find_stored(place, name)
    if what is What.runs:
        _runs(found, selector, output)
    else:
        _steps(found, selector, kind, output)


def _runs(found: "Stored", selector: str, output: ListFormat) -> None:
    from clt_operator.cli.output import listing
    from clt_operator.cli.selecting import matches, parse_selector

    wanted = parse_selector(selector)
    rows = [row for row in run_rows(found) if matches(row, wanted)]
    columns = ("name", "sweep", "model", "task", "mix", "k", "seed", "phase")
    listing(rows, columns, output, "run", more=("control",))


def _steps(found: "Stored", selector: str, kind: str | None, output: ListFormat) -> None:
    from clt_operator.cli.output import listing
    from clt_operator.cli.selecting import matches, parse_selector

    wanted = parse_selector(selector)
    rows = [
        {name: value for name, value in row.items() if name != "labels"}
        for row in step_rows(found)
        if kind in (None, row["kind"]) and matches(row["labels"], wanted)
    ]
    told = tuple(name for name in TOLD if any(row[name] for row in rows))
    columns = ("name", "kind", *told, "phase", "attempts")
    listing(rows, columns, output, "step", more=tuple(n for n in TELLING if n not in told))


def _stored_experiments(
    place: "Place",
    name: str | None,
    selector: str,
    output: ListFormat,
    everywhere: bool,
    watch: bool,
) -> None:
    from clt_operator.cli.output import listing
    from clt_operator.cli.place import UsageError
    from clt_operator.cli.stored import open_artifacts, stored

    if watch or selector:
        option = "--watch" if watch else "--selector"
        raise UsageError(f"{option} of experiments needs a cluster: a store is not watched")
    artifacts = open_artifacts(place.store)
    here = place.store_namespace
    if name:
        places = [(here, name)]
    else:
        places = [each for each in artifacts.roots() if everywhere or each[0] == here]
    rows = [experiment_row(stored(artifacts, *each)) for each in places]
    columns = ("name", "phase", "done", "failed", "report")
    first = ("namespace",) if everywhere else ()
    listing(rows, (*first, *columns), output, "experiment", more=("running",))


def _live_experiments(
    live: "Live",
    name: str | None,
    selector: str,
    output: ListFormat,
    everywhere: bool,
    watch: bool,
) -> None:
    from clt_operator.cli.live import reference
    from clt_operator.cli.output import dump, say, show, table
    from clt_operator.cli.place import UsageError
    from clt_operator.cli.why import refusals

    if name and (selector or everywhere):
        raise UsageError("a name and --selector or --all-namespaces contradict each other")
    items = [live.get(name)] if name else list(live.list(selector, everywhere=everywhere))
    if output is ListFormat.name:
        for item in items:
            show(reference(item))
    elif output in (ListFormat.json, ListFormat.yaml):
        shown = [_without_managers(item) for item in items]
        whole = {"apiVersion": "v1", "kind": "List", "items": shown}
        dump(shown[0] if name else whole, output)
    elif not items and not watch:
        place = "any namespace" if everywhere else f"namespace {live.namespace}"
        say(f"no experiments in {place}")
    else:
        columns = _columns(everywhere, wide=output is ListFormat.wide)
        table(columns, [_cells(item, columns) for item in items])
        for line in refusals(items):
            say(line)
    if watch:
        _watch(live, name, selector, output, everywhere)


def _watch(
    live: "Live", name: str | None, selector: str, output: ListFormat, everywhere: bool
) -> None:
    """A line for each change, until it is interrupted."""
    from clt_operator.cli.live import reference
    from clt_operator.cli.output import dump, flush, show
    from clt_operator.cli.watching import changes

    flush()
    columns = _columns(everywhere, wide=output is ListFormat.wide)
    seen: dict[str, Any] = {}
    widths = [max(len(column) + 2, 12) for column in columns]
    for change in changes(live.api, "" if everywhere else live.namespace, selector):
        if change is None or name not in (None, change[1]["metadata"]["name"]):
            continue
        event, item = change
        row = {**_row(item), "phase": "Deleted"} if event == "DELETED" else _row(item)
        shown = [str(row[column]) for column in columns if column != "age"]
        uid = item["metadata"]["uid"]
        first = uid not in seen and event == "ADDED"
        if seen.get(uid) == shown:
            continue
        seen[uid] = shown
        if first:
            continue  # stands in the table
        if output is ListFormat.name:
            show(reference(item))
        elif output in (ListFormat.json, ListFormat.yaml):
            dump(_without_managers(item), output)
        else:
            cells = zip((str(row[column]) for column in columns), widths, strict=True)
            show("  ".join(cell.ljust(width) for cell, width in cells).rstrip())
        flush()


def _columns(everywhere: bool, *, wide: bool) -> tuple[str, ...]:
    first = ("namespace",) if everywhere else ()
    return (*first, *COLUMNS, *(WIDE if wide else ()))


def _cells(item: "Object", columns: Sequence[str]) -> list[Any]:
    row = _row(item)
    return [row[column] for column in columns]


def _row(item: "Object") -> dict[str, Any]:
    """What the table shows of an experiment."""
    from clt_operator.cli.live import age, condition, phase_of, status_of

    metadata, status = item["metadata"], status_of(item)
    why = condition(item, "Degraded")
    if why.get("status") != "True":
        why = condition(item, "Progressing")
    return {
        "namespace": metadata.get("namespace", ""),
        "name": metadata["name"],
        "phase": "Deleting" if metadata.get("deletionTimestamp") else phase_of(item),
        "done": status.get("done", ""),
        "failed": status.get("failed", 0),
        "progress": status.get("progress", ""),
        "eta": status.get("eta", ""),
        "age": age(metadata.get("creationTimestamp", "")),
        "queued": status.get("queued", 0),
        "running": status.get("running", 0),
        "runs": status.get("runs", ""),
        "gpu-hours": status.get("gpuHours", ""),
        "cost": status.get("cost", ""),
        "store": status.get("storeUri", ""),
        "reason": why.get("reason", ""),
    }


def _without_managers(item: "Object") -> "Object":
    metadata = {name: part for name, part in item["metadata"].items() if name != "managedFields"}
    return {**item, "metadata": metadata}


def experiment_row(found: "Stored") -> dict[str, Any]:
    status = found.status
    total = status.total() - status.total("unneeded")
    running = status.total("running")
    phase = "Complete" if status.finished == "complete" else "Incomplete"
    if found.root.get("report"):
        phase = "Partial"
    elif status.finished == "failed":
        phase = "Failed"
    elif running:
        phase = "Running"
    return {
        "name": found.name,
        "namespace": found.namespace,
        "phase": phase,
        "done": f"{status.total('done')}/{total}",
        "running": running,
        "failed": status.total("failed"),
        "report": found.report_key[:16] if phase in ("Complete", "Partial") else "",
    }


def run_rows(found: "Stored") -> list[dict[str, Any]]:
    phases, plan = found.phases, found.plan
    return [
        {
            "name": key[:16],
            "key": key,
            "sweep": point.sweep,
            "model": point.model,
            "task": "+".join(point.tasks),
            "mix": point.mix,
            "k": point.k,
            "seed": point.seed,
            "control": point.control,
            "phase": phases[key],
        }
        for point, key in zip(plan.points, plan.trainings, strict=True)
    ]


def step_rows(found: "Stored") -> list[dict[str, Any]]:
    claimed, phases = found.artifacts.attempt_numbers(), found.phases
    return [
        {
            "name": step.key[:16],
            "key": step.key,
            "kind": step.kind,
            **{name: step.labels.get(name, "") for name in TELLING},
            "metric": getattr(step.params, "metric", ""),
            "phase": phases[step.key],
            "attempts": len(claimed.get(step.key, ())),
            "labels": dict(step.labels),
        }
        for step in found.plan.graph
    ]
