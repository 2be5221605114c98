"""plan: what a spec asks for, what it will cost, and whether it may run: before anything does."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from clt_operator.cli.options import (
    ContextOption,
    FileOption,
    Format,
    KubeconfigOption,
    LocalOption,
    OutputOption,
    SpecArgument,
    SpecNamespaceOption,
    StoreOption,
    VarOption,
)

if TYPE_CHECKING:
    from clt_operator.api.errors import SpecError
    from clt_operator.api.load import LoadedSpec
    from clt_operator.cli.place import Place
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
    namespace: SpecNamespaceOption = None,
    store: StoreOption = None,
    local: LocalOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Show runs, trainings, evaluations, cells, and the predicted cost of a spec.

    Nothing is started or stored. Sources that are not at hand stay unpinned: counts are exact
    all the same, keys are provisional. Where there is a cluster, what its profiles do not offer
    or allow is refused here, as by apply (exit 2).
    """
    from clt_operator.cli.output import command, say
    from clt_operator.cli.specs import read_spec, study

    loaded, base = read_spec(spec, filename, var)
    place = _place(loaded, store, {"namespace": namespace, "local": local}, context, kubeconfig)
    refused = _look(place, loaded)
    planned = study(loaded, base, None, offline=not online)
    _tell_unpinned(planned)
    if keys:
        _show_keys(planned, output)
    else:
        _show_summary(planned, output)
    if refused is not None:
        raise refused
    if not keys:
        there = place.given if place is not None else {}
        if place is None or not place.on_cluster:
            there["local"] = True
        say(f"next: {command('apply', spec or filename or '', **there, var=var)}")


def _place(
    loaded: "LoadedSpec",
    store: str | None,
    given: dict[str, Any],
    context: str | None,
    kubeconfig: str | None,
) -> "Place | None":
    """Where apply would work; None: neither a cluster nor a store is named."""
    from clt_operator.cli.place import has_cluster, is_uri, place_of

    spec_store = loaded.experiment.spec.store
    named = store or given["local"] or context or kubeconfig or is_uri(spec_store)
    if not named and not has_cluster():
        return None
    return place_of(
        **given, store=store, context=context, kubeconfig=kubeconfig, spec_store=spec_store
    )


def _look(place: "Place | None", loaded: "LoadedSpec") -> "SpecError | None":
    """Says what the spec was checked against; what is refused is told after the counts, unless
    it is the size: to count all that might take long."""
    from clt_operator.api.errors import SpecError
    from clt_operator.cli.allowed import look
    from clt_operator.cli.output import say
    from clt_operator.plan.build import TooManySteps

    try:
        say(look(place, loaded))
    except TooManySteps:
        raise
    except SpecError as error:
        return error
    return None


def _tell_unpinned(planned: "Study") -> None:
    from clt_operator.cli.output import say

    reasons = planned.lock.reasons
    for source in planned.lock.unpinned[:SHOWN_UNPINNED]:
        say(f"not pinned yet: {source}: {reasons[source]}")
    if len(reasons) > SHOWN_UNPINNED:
        say(f"and {len(reasons) - SHOWN_UNPINNED} more that are not pinned yet (-o json has all)")
    if reasons:
        say("keys are provisional until apply pins everything")


def _show_keys(planned: "Study", output: Format) -> None:
    from clt_operator.cli.output import dump, show, table

    steps = list(planned.plan.graph)
    if output is Format.table:
        rows = [(step.key[:16], step.kind, _labels(step.labels)) for step in steps]
        table(("key", "kind", "labels"), rows)
    elif output is Format.name:
        for step in steps:
            show(f"step/{step.key}")
    else:
        dump([{"key": s.key, "kind": s.kind, **s.labels} for s in steps], output)


def _show_summary(planned: "Study", output: Format) -> None:
    from clt_operator.cli.output import dump, say, show, table

    summary = summarise(planned)
    if output is Format.name:
        show(f"experiment/{planned.loaded.experiment.metadata.name}")
    elif output is Format.table:
        table(("what", "value"), list(_lines(summary)))
    else:
        dump(summary, output)
    for warning in summary["prediction"]["warnings"]:
        say(f"warning: {warning}")


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
