"""apply: declare an experiment on a cluster, or run it here and now."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clt_operator.cli.options import (
    ContextOption,
    FileOption,
    KubeconfigOption,
    SpecArgument,
    SpecNamespaceOption,
    StoreOption,
    VarOption,
)

if TYPE_CHECKING:
    from clt_operator.api.load import LoadedSpec
    from clt_operator.cli.live import Live
    from clt_operator.cli.place import Place

DEFAULT_IMAGE = "clt-jobs"


def register(app: typer.Typer) -> None:
    app.command("apply", short_help="Declare an experiment on a cluster, or run it with --local.")(
        apply
    )


def apply(
    spec: SpecArgument = None,
    filename: FileOption = None,
    var: VarOption = None,
    namespace: SpecNamespaceOption = None,
    store: StoreOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check and count; start and store nothing.")
    ] = False,
    force_conflicts: Annotated[
        bool, typer.Option("--force-conflicts", help="Take over fields that others have set.")
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Stay until it is complete (exit 0) or failed (exit 1).")
    ] = False,
    timeout: Annotated[
        str, typer.Option("--timeout", help="With --wait: how long, such as 30m. 0: no limit.")
    ] = "0",
    local: Annotated[
        bool, typer.Option("--local", help="Run the steps as processes on this machine.")
    ] = False,
    jobs: Annotated[
        int,
        typer.Option(
            "--jobs", "-j", min=0, help="With --local: processes at a time; 0: one per core."
        ),
    ] = 0,
    scratch: Annotated[
        Path | None, typer.Option("--scratch", help="With --local: directory for work under way.")
    ] = None,
    foreground: Annotated[
        bool,
        typer.Option("--foreground", help="Run the steps on the cluster, without an operator."),
    ] = False,
    image: Annotated[
        str, typer.Option("--image", help="With --foreground and --store: image of the Jobs.")
    ] = DEFAULT_IMAGE,
    store_secret: Annotated[
        str,
        typer.Option(
            "--store-secret", help="With --foreground and --store: Secret with its credentials."
        ),
    ] = "",
) -> None:
    """Declare an experiment on a cluster, or run it with --local; say what to do next.

    What is committed is never computed again: applying a finished spec does nothing, and
    applying an unchanged one writes nothing.
    """
    from clt_operator.cli.durations import seconds_of
    from clt_operator.cli.place import UsageError, has_cluster, is_uri, place_of
    from clt_operator.cli.specs import read_spec

    if local and (foreground or wait):
        raise UsageError(
            f"--local runs here and stays: leave out --{'wait' if wait else 'foreground'}"
        )
    seconds = seconds_of(timeout, "--timeout")
    loaded, base = read_spec(spec, filename, var)
    source = spec or filename or ""
    uri = store or (loaded.experiment.spec.store if is_uri(loaded.experiment.spec.store) else "")
    if not (local or uri or context or kubeconfig or has_cluster()):
        raise UsageError(
            "no cluster: there is no kubeconfig (KUBECONFIG, ~/.kube/config); add --local to run "
            "the study on this machine, or name a cluster with --kubeconfig"
        )
    place = place_of(
        namespace=namespace,
        store=None if foreground else store,
        local=local,
        context=context,
        kubeconfig=kubeconfig,
        spec_store="" if foreground else loaded.experiment.spec.store,
    )
    if foreground:
        _drive(loaded, base, place, store, image, store_secret, dry_run=dry_run)
    elif place.on_cluster:
        _declare(
            loaded,
            place,
            force=force_conflicts,
            dry_run=dry_run,
            wait=wait,
            timeout=seconds or None,
        )
    elif local:
        _run_here(loaded, base, place, jobs, scratch, {"var": var, "source": source}, dry_run)
    else:
        raise UsageError(
            "a store without a cluster: add --local to run the study on this machine, or leave "
            "out --store and CLT_STORE and name a cluster (--context, KUBECONFIG)"
        )


def _declare(
    loaded: "LoadedSpec",
    place: "Place",
    *,
    force: bool,
    dry_run: bool,
    wait: bool,
    timeout: float | None,
) -> None:
    """Writes the object where it differs from what is there."""
    from clt_operator.cli.declaring import declare, write
    from clt_operator.cli.live import Live, reference
    from clt_operator.cli.output import command, say, show
    from clt_operator.cli.specs import namespace_of

    live = Live(place)
    namespace = namespace_of(loaded, place.namespace, lambda: live.api.namespace)
    declared = declare(live.api, loaded, namespace, force=force)
    if declared.change != "unchanged" and not dry_run:
        write(live.api, loaded, declared, force=force)
    note = " (dry run)" if dry_run else ""
    show(f"{reference(declared.body)} {declared.change}{note}")
    if dry_run:
        return
    if namespace != live.namespace:
        live = Live(place.within(namespace))
    name, given = loaded.experiment.metadata.name, live.place.given
    if wait:
        _wait(live, name, timeout)
    else:
        say(f"next: {command('get', 'experiments', name, watch=True, **given)}")
        say(f"      {command('describe', name, **given)}")
        say(f"      {command('logs', name, follow=True, **given)}")


def _wait(live: "Live", name: str, timeout: float | None) -> None:
    """Follows an experiment to its end; a failure exits 1."""
    from clt_operator.cli.output import command, say, show
    from clt_operator.cli.watching import Teller, ended, follow, why_ended

    given = live.place.given
    try:
        end = follow(live, name, ended, timeout, Teller(say))
    except KeyboardInterrupt:
        say(f"it goes on by itself: {command('wait', name, **given)} waits again")
        raise typer.Exit(130) from None
    show(f"experiment.clt.dev/{name} {end}")
    if end == "complete":
        say(f"next: {command('report', name, open=True, **given)}")
        return
    for line in why_ended(live.get(name)):
        say(line)
    say(f"next: {command('logs', name, **given)}; mend the cause; then")
    say(f"      {command('retry', name, **given)}")
    raise typer.Exit(1)


def _run_here(
    loaded: "LoadedSpec",
    base: Path,
    place: "Place",
    jobs: int,
    scratch: Path | None,
    words: dict[str, Any],
    dry_run: bool,
) -> None:
    """Runs what is missing, as processes on this machine."""
    from clt_operator.cli.output import command, say
    from clt_operator.cli.running import conclude, run_study, write_study
    from clt_operator.cli.specs import namespace_of, study
    from clt_operator.cli.stored import open_artifacts
    from clt_operator.resolve import changed_files, other_versions

    experiment = loaded.experiment
    namespace = namespace_of(loaded, place.namespace)
    artifacts = open_artifacts(place.store, experiment.spec.store)
    name = experiment.metadata.name
    planned = study(loaded, base, artifacts.lock(namespace, name), offline=False)
    for changed in changed_files(planned.lock):
        say(
            f"warning: {changed} changed since it was pinned; the study keeps what it pinned "
            "(cltctl upgrade pins it again)"
        )
    for other in other_versions(planned.lock):
        say(f"warning: {other}: what is not committed of it yet needs cltctl upgrade")
    tell_counts(name, planned.plan.counts, artifacts.store.uri)
    if dry_run:
        say("dry run: nothing was started or stored")
        return
    given = {"store": place.store, "namespace": namespace}
    again = command(
        "apply", words["source"], local=True, var=words["var"], scratch=scratch, **given
    )
    found = write_study(artifacts, namespace, planned)
    result = run_study(found, planned, jobs, scratch)
    conclude(found, result, given, again)


def tell_counts(name: str, counts: dict[str, int], store: str) -> None:
    from clt_operator.cli.output import say

    say(
        f"experiment/{name}: {counts['runs']} runs, {counts['trainings']} trainings, "
        f"{counts['cells']} cells, {counts['steps']} steps in {store}"
    )


def _drive(
    loaded: "LoadedSpec",
    base: Path,
    place: "Place",
    store: str | None,
    image: str,
    store_secret: str,
    *,
    dry_run: bool,
) -> None:
    """Runs the steps as Jobs, with this process in the operator's place."""
    from clt_operator.cli.driving import drive

    drive(loaded, base, place, store, image, store_secret, dry_run=dry_run)
