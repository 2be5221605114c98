"""upgrade: a new lock, made of what sources, models and this release are now."""

from typing import Annotated

import typer

from clt_operator.cli.options import (
    FileOption,
    SpecArgument,
    SpecNamespaceOption,
    StoreOption,
    VarOption,
)


def register(app: typer.Typer) -> None:
    app.command("upgrade")(upgrade)


def upgrade(
    spec: SpecArgument = None,
    filename: FileOption = None,
    var: VarOption = None,
    namespace: SpecNamespaceOption = None,
    store: StoreOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change; store nothing.")
    ] = False,
) -> None:
    """Pin an experiment's data, models and step versions again, to what they are now.

    Until then an experiment keeps what it pinned when it was first applied. What is committed
    stays; the next apply computes what the new lock adds.
    """
    from clt_operator.api.errors import StoreError
    from clt_operator.cli.output import command, say, show
    from clt_operator.cli.specs import namespace_of, read_spec, study
    from clt_operator.cli.stored import LOCK_FILE, open_artifacts, stored_lock
    from clt_operator.plan.build import plan

    loaded, base = read_spec(spec, filename, var)
    experiment = loaded.experiment
    namespace = namespace_of(loaded, namespace)
    artifacts = open_artifacts(store, experiment.spec.store)
    name = experiment.metadata.name
    try:
        before = stored_lock(artifacts, namespace, name)
    except StoreError as error:  # a damaged lock is what an upgrade mends
        say(f"warning: {error}")
        before = None
    planned = study(loaded, base, None, offline=False)
    known = set(plan(experiment.spec, before).graph.steps) if before else set()
    new = [step for step in planned.plan.graph if step.key not in known]
    show(f"experiment/{name}: {len(new)} of {len(planned.plan.graph)} steps have a new key")
    if dry_run:
        say("dry run: nothing was stored")
        return
    data = planned.lock.model_dump_json(indent=1).encode()
    artifacts.write_experiment_file(namespace, name, LOCK_FILE, data)
    source = spec or filename or ""
    again = command("apply", source, local=True, var=var, store=store, namespace=namespace)
    say(f"next: {again}")
