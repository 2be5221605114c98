"""get: experiments, runs or steps, one a line."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clt_operator.cli.options import (
    DEFAULT_NAMESPACE,
    Format,
    NamespaceOption,
    OutputOption,
    StoreOption,
)

if TYPE_CHECKING:
    from clt_operator.cli.stored import Stored


class What(StrEnum):
    experiments = "experiments"
    runs = "runs"
    steps = "steps"


def register(app: typer.Typer) -> None:
    app.command("get")(get)


def get(
    what: Annotated[What, typer.Argument(help="What to list.")],
    name: Annotated[str | None, typer.Argument(help="Experiment.")] = None,
    namespace: NamespaceOption = DEFAULT_NAMESPACE,
    store: StoreOption = None,
    output: OutputOption = Format.table,
    kind: Annotated[
        str | None, typer.Option("--kind", help="Only steps of this kind, such as train.")
    ] = None,
) -> None:
    """List experiments of a store, or the runs or steps of one experiment."""
    from clt_operator.cli.output import listing
    from clt_operator.cli.specs import UsageError
    from clt_operator.cli.stored import open_artifacts, stored

    artifacts = open_artifacts(store)
    if what is What.experiments:
        names = [name] if name else [n for space, n in artifacts.roots() if space == namespace]
        rows = [experiment_row(stored(artifacts, namespace, each)) for each in names]
        listing(rows, ("name", "phase", "done", "failed", "report"), output, "experiment")
        return
    if name is None:
        raise UsageError(f"name the experiment: cltctl get {what.value} NAME")
    found = stored(artifacts, namespace, name)
    if what is What.runs:
        columns: tuple[str, ...] = ("name", "sweep", "model", "task", "mix", "k", "seed", "phase")
        listing(run_rows(found), columns, output, "run")
    else:
        columns = ("name", "kind", "model", "task", "language", "phase", "attempts")
        rows = [row for row in step_rows(found) if kind in (None, row["kind"])]
        listing(rows, columns, output, "step")


def experiment_row(found: "Stored") -> dict[str, Any]:
    status = found.status
    total = status.total("pending", "ready", "running", "done", "failed", "blocked")
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
    committed = found.artifacts.committed()
    plan = found.plan
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
            "phase": "Trained" if key in committed else "Pending",
        }
        for point, key in zip(plan.points, plan.trainings, strict=True)
    ]


def step_rows(found: "Stored") -> list[dict[str, Any]]:
    committed = found.artifacts.committed()
    claimed = found.artifacts.attempt_numbers()
    phases = dict.fromkeys(claimed, "Attempted")
    phases |= dict.fromkeys(found.decision.blocked, "Blocked")
    phases |= dict.fromkeys(found.decision.failed, "Failed")
    phases |= dict.fromkeys(committed, "Committed")
    return [
        {
            "name": step.key[:16],
            "key": step.key,
            "kind": step.kind,
            "model": step.labels.get("model", ""),
            "task": step.labels.get("task", ""),
            "language": step.labels.get("language", ""),
            "phase": phases.get(step.key, "Pending"),
            "attempts": len(claimed.get(step.key, ())),
        }
        for step in found.plan.graph
    ]
