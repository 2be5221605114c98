"""plan: what a spec asks for and what it will cost, before anything runs."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from clt_operator.cli.options import FileOption, Format, OutputOption, SpecArgument, VarOption

if TYPE_CHECKING:
    from clt_operator.cli.specs import Study


SHOWN_UNPINNED = 5


def register(app: typer.Typer) -> None:
    app.command("plan", short_help="Count what a spec asks for, and predict its cost.")(plan)


def plan(
    spec: SpecArgument = None,
    filename: FileOption = None,
    var: VarOption = None,
    output: OutputOption = Format.table,
    online: Annotated[
        bool, typer.Option("--online", help="Look at hubs and S3 as well, as apply does.")
    ] = False,
    keys: Annotated[bool, typer.Option("--keys", help="List every step with its key.")] = False,
) -> None:
    """Show runs, trainings, evaluations, cells, and the predicted cost of a spec.

    Nothing is started or stored. Sources that are not at hand stay unpinned: counts are exact
    all the same, keys are provisional.
    """
    from clt_operator.cli.output import command, dump, say, show, table
    from clt_operator.cli.place import has_cluster
    from clt_operator.cli.specs import read_spec, study

    loaded, base = read_spec(spec, filename, var)
    planned = study(loaded, base, None, offline=not online)
    reasons = planned.lock.reasons
    for source in planned.lock.unpinned[:SHOWN_UNPINNED]:
        say(f"not pinned yet: {source}: {reasons[source]}")
    if len(reasons) > SHOWN_UNPINNED:
        say(f"and {len(reasons) - SHOWN_UNPINNED} more that are not pinned yet (-o json has all)")
    if reasons:
        say("keys are provisional until apply pins everything")
    if keys:
        rows = [{"key": s.key, "kind": s.kind, **s.labels} for s in planned.plan.graph]
        if output is Format.table:
            table(
                ("key", "kind", "labels"),
                [(s.key[:16], s.kind, _labels(s.labels)) for s in planned.plan.graph],
            )
        elif output is Format.name:
            for step in planned.plan.graph:
                show(f"step/{step.key}")
        else:
            dump(rows, output)
        return
    summary = summarise(planned)
    if output is Format.name:
        show(f"experiment/{loaded.experiment.metadata.name}")
    elif output is Format.table:
        table(("what", "value"), list(_lines(summary)))
    else:
        dump(summary, output)
    for warning in summary["prediction"]["warnings"]:
        say(f"warning: {warning}")
    say(f"next: {command('apply', spec or filename or '', local=not has_cluster(), var=var)}")


def _labels(labels: Any) -> str:
    return " ".join(f"{name}={value}" for name, value in labels.items() if value)


def summarise(planned: "Study") -> dict[str, Any]:
    """Counts, steps by kind, the prediction, what is not pinned."""
    from collections import Counter
    from dataclasses import asdict

    from clt_operator.plan.predict import predict

    kinds = Counter(step.kind for step in planned.plan.graph)
    return {
        "experiment": planned.loaded.experiment.metadata.name,
        **planned.plan.counts,
        "stepsByKind": dict(sorted(kinds.items())),
        "unpinned": planned.lock.unpinned,
        "prediction": asdict(predict(planned.plan, planned.lock)),
    }


def _lines(summary: dict[str, Any]) -> Any:
    for name in ("experiment", "runs", "trainings", "stages", "evaluations", "cells", "steps"):
        yield name, summary[name]
    for kind, count in summary["stepsByKind"].items():
        yield f"  {kind}", count
    prediction = dict(summary["prediction"])
    assumptions = prediction.pop("assumptions")
    effects = prediction.pop("minimum_detectable_effect")
    unknown = prediction.pop("unknown_models")
    prediction.pop("warnings")  # said beside the table
    for name, value in prediction.items():
        yield name.replace("_", " "), _figure(value)
    for metric, effect in effects.items():
        yield f"detectable {metric}", f"{effect:g} (80 % power, unpaired)"
    if unknown:
        yield "size unknown", f"{', '.join(unknown)} (set models[].parameters)"
    for name, value in assumptions.items():
        yield f"assumed {name.replace('_', ' ')}", _figure(value)


def _figure(value: Any) -> str:
    if value is None:
        return "unknown"
    return f"{value:,.4g}" if isinstance(value, float) else f"{value:,}"
