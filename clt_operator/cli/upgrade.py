"""upgrade: a new lock, made of what sources, models and this release are now."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clt_operator.cli.options import (
    ContextOption,
    FileOption,
    KubeconfigOption,
    LocalOption,
    SpecNamespaceOption,
    StoreOption,
    VarOption,
)

if TYPE_CHECKING:
    from clt_operator.api.lock import Lock
    from clt_operator.api.spec.experiment import ExperimentSpec
    from clt_operator.cli.place import Place
    from clt_operator.plan.build import Plan


def register(app: typer.Typer) -> None:
    app.command("upgrade", short_help="Pin data, models and step versions again.")(upgrade)


def upgrade(
    spec: Annotated[
        str | None,
        typer.Argument(
            metavar="SPEC", help="The spec file; - reads standard input. On a cluster also a name."
        ),
    ] = None,
    filename: FileOption = None,
    var: VarOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change; store nothing.")
    ] = False,
    namespace: SpecNamespaceOption = None,
    store: StoreOption = None,
    local: LocalOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Pin an experiment's data, models and step versions again, to what they are now.

    Until then an experiment keeps what it pinned when it was first applied. What is committed
    stays; only what the new lock adds is computed: at once on a cluster, at the next apply
    otherwise.
    """
    from clt_operator.cli.place import place_of
    from clt_operator.cli.specs import namespace_of, read_spec

    named = filename is None and spec is not None and spec != "-" and not Path(spec).exists()
    if named and "/" not in (spec or "") and not (spec or "").endswith((".yaml", ".yml")):
        place = place_of(
            namespace=namespace, local=False, context=context, kubeconfig=kubeconfig, cluster=True
        )
        _on_cluster(place, spec or "", dry_run=dry_run)
        return
    loaded, base = read_spec(spec, filename, var)
    settled = namespace_of(loaded, namespace)
    place = place_of(
        namespace=namespace,
        store=store,
        local=local,
        context=context,
        kubeconfig=kubeconfig,
        spec_store=loaded.experiment.spec.store,
    )
    if place.on_cluster:
        if "namespace" in loaded.experiment.metadata.model_fields_set:
            place = place.within(settled)
        _on_cluster(place, loaded.experiment.metadata.name, dry_run=dry_run)
        return
    from clt_operator.api.errors import StoreError
    from clt_operator.cli.output import command, say
    from clt_operator.cli.specs import study
    from clt_operator.cli.stored import open_artifacts

    artifacts = open_artifacts(place.store, loaded.experiment.spec.store)
    name = loaded.experiment.metadata.name
    try:
        before = artifacts.lock(settled, name)
    except StoreError as error:  # a damaged lock is what an upgrade mends
        say(f"warning: {error}")
        before = None
    planned = study(loaded, base, None, offline=False)
    _tell(name, loaded.experiment.spec, before, planned.plan)
    if dry_run:
        say("dry run: nothing was stored")
        return
    artifacts.write_lock(settled, name, planned.lock)
    source = spec or filename or ""
    again = command("apply", source, local=True, var=var, store=store, namespace=settled)
    say(f"next: {again}")


def _on_cluster(place: "Place", name: str, *, dry_run: bool) -> None:
    """From the object's own spec; the operator is asked to look at the store again."""
    from clt_operator.api.objects import typed, variables
    from clt_operator.cli.live import Live
    from clt_operator.cli.output import command, say
    from clt_operator.cli.specs import uncollected
    from clt_operator.plan.build import plan
    from clt_operator.resolve import resolve_remote
    from clt_operator.resolve.hub import Hub

    live = Live(place)
    item = live.get(name)
    found = live.stored_of(item)
    experiment = typed(item)
    lock = resolve_remote(experiment, Hub(), variables(item))
    with uncollected():
        planned = plan(experiment.spec, lock)
    _tell(name, experiment.spec, found.lock, planned)
    if dry_run:
        say("dry run: nothing was stored")
        return
    found.artifacts.write_lock(found.namespace, name, lock)
    live.look_again(name)
    say(f"next: {command('get', 'experiments', name, watch=True, **place.given)}")


def _tell(name: str, spec: "ExperimentSpec", before: "Lock | None", planned: "Plan") -> None:
    from clt_operator.cli.output import show
    from clt_operator.plan.build import plan

    known = set(plan(spec, before).graph.steps) if before else set()
    new = [step for step in planned.graph if step.key not in known]
    show(f"experiment/{name}: {len(new)} of {len(planned.graph)} steps have a new key")
    kinds = Counter(step.kind for step in new)
    for kind, count in kinds.items():
        show(f"  {kind}: {count}")
