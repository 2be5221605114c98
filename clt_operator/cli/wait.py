"""wait: until an experiment is complete, has failed, or has a condition."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from clt_operator.cli.options import (
    ContextOption,
    KubeconfigOption,
    LocalOption,
    NamespaceOption,
    OneNameArgument,
    StoreOption,
)

if TYPE_CHECKING:
    from clt_operator.cli.live import Object
    from clt_operator.cli.place import Place

POLL = 2.0  # seconds between looks at a store


def register(app: typer.Typer) -> None:
    app.command("wait", short_help="Wait until an experiment is complete or has failed.")(wait)


def wait(
    name: OneNameArgument,
    what: Annotated[
        str,
        typer.Option(
            "--for",
            metavar="WHAT",
            help="complete, failed, delete, condition=NAME or condition=NAME=False.",
        ),
    ] = "complete",
    timeout: Annotated[
        str, typer.Option("--timeout", help="How long, such as 30s or 2h. 0: no limit.")
    ] = "0",
    namespace: NamespaceOption = None,
    store: StoreOption = None,
    local: LocalOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Wait for an experiment. Exit 0: it came about; 1: it cannot any more, or not in time."""
    from clt_operator.cli.durations import seconds_of
    from clt_operator.cli.place import place_of

    seconds = seconds_of(timeout, "--timeout") or None
    place = place_of(
        namespace=namespace, store=store, local=local, context=context, kubeconfig=kubeconfig
    )
    if place.on_cluster:
        _on_cluster(place, name, what, seconds)
    else:
        _in_store(place, name, what, seconds)


def _on_cluster(place: "Place", name: str, what: str, seconds: float | None) -> None:
    from clt_operator.cli.live import Live
    from clt_operator.cli.output import say, show
    from clt_operator.cli.stored import NotFound
    from clt_operator.cli.watching import Teller, follow, why_ended

    live = Live(place)
    verdict = _verdict(what)
    try:
        found = follow(live, name, verdict, seconds, Teller(say))
    except NotFound:
        if what != "delete":
            raise
        found = what
    if found == what or what.startswith("condition="):
        show(f"experiment.clt.dev/{name} {'condition met' if '=' in what else found}")
        return
    say(f"experiment {name} is {found}, and will not be {what}")
    for line in why_ended(live.get(name)):
        say(line)
    raise typer.Exit(1)


def _verdict(what: str) -> "Callable[[Object], str | None]":
    """Raises UsageError."""
    from clt_operator.cli.place import UsageError
    from clt_operator.cli.watching import ended, has_condition

    if what in ("complete", "failed"):
        return ended
    if what == "delete":
        return lambda _: None
    kind, equals, rest = what.partition("=")
    if kind != "condition" or not equals or not rest:
        raise UsageError(f"--for {what!r}: write complete, failed, delete or condition=NAME")
    name, _, wanted = rest.partition("=")
    return has_condition(name, wanted or "True")


def _in_store(place: "Place", name: str, what: str, seconds: float | None) -> None:
    from clt_operator.cli.output import say, show
    from clt_operator.cli.place import UsageError
    from clt_operator.cli.stored import open_artifacts, stored
    from clt_operator.cli.watching import TimedOut

    if what not in ("complete", "failed"):
        raise UsageError(f"--for {what}: a store knows complete and failed")
    artifacts = open_artifacts(place.store)
    deadline = None if seconds is None else time.monotonic() + seconds
    while True:
        finished = stored(artifacts, place.store_namespace, name).status.finished
        if finished == what:
            show(f"experiment/{name} {what}")
            return
        if finished is not None:
            say(f"experiment {name} is {finished}, and will not be {what}")
            raise typer.Exit(1)
        if deadline is not None and time.monotonic() + POLL > deadline:
            raise TimedOut(f"timed out waiting for experiment {name} after {seconds:g} s")
        time.sleep(POLL)
