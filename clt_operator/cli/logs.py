"""logs: what steps print: running ones from their pods, others from the store that outlives
processes and pods."""

import time
from typing import TYPE_CHECKING, Annotated

import typer

from clt_operator.cli.options import (
    ContextOption,
    KubeconfigOption,
    LocalOption,
    NamespaceOption,
    OneNameArgument,
    StepArgument,
    StoreOption,
)

if TYPE_CHECKING:
    from clt_operator.api.step import Step
    from clt_operator.cli.stored import Stored

POLL = 2.0  # seconds between looks at a log in a store


def register(app: typer.Typer) -> None:
    app.command("logs", short_help="Print what steps printed, or follow them with -f.")(logs)


def logs(
    name: OneNameArgument,
    step: StepArgument = None,
    follow: Annotated[
        bool, typer.Option("-f", "--follow", help="Go on printing what comes.")
    ] = False,
    attempt: Annotated[
        int | None, typer.Option("--attempt", help="Which attempt; default: the last.")
    ] = None,
    run: Annotated[
        str | None,
        typer.Option("--run", metavar="KEY", help="Steps of the run whose training starts so."),
    ] = None,
    selector: Annotated[
        str, typer.Option("-l", "--selector", help="Steps with these labels: mix=all4,k=100.")
    ] = "",
    kind: Annotated[str | None, typer.Option("--kind", help="Only steps of this kind.")] = None,
    all_steps: Annotated[
        bool, typer.Option("--all", help="Every step, not only failed ones.")
    ] = False,
    tail: Annotated[
        int | None, typer.Option("--tail", min=0, help="Only the last lines of each log.")
    ] = None,
    namespace: NamespaceOption = None,
    store: StoreOption = None,
    local: LocalOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Print the log of a step, or of several: by run, by labels, by kind.

    Without any choice: of what runs on a cluster with -f, else of the failed steps.
    """
    from clt_operator.cli.live import Live
    from clt_operator.cli.output import command, say
    from clt_operator.cli.place import UsageError, place_of
    from clt_operator.cli.pods import PodLogs
    from clt_operator.cli.selecting import select
    from clt_operator.cli.stored import open_artifacts, stored
    from clt_operator.cli.watching import ended

    if attempt is not None and not step:
        raise UsageError("--attempt is of one step: cltctl logs NAME KEY --attempt N")
    place = place_of(
        namespace=namespace, store=store, local=local, context=context, kubeconfig=kubeconfig
    )
    pods = None
    chosen = bool(step or run or selector)
    if place.on_cluster:
        live = Live(place)
        item = live.get(name)
        pods = PodLogs(live.api, item["metadata"]["namespace"], name)
        if follow and not (chosen or kind or all_steps):
            if not pods.running():
                again = command("describe", name, **place.given)
                say(f"nothing runs yet; {again} says what Jobs wait for")
            pods.follow(None, tail, lambda: ended(live.get(name)) is not None)
            return
        found = live.stored_of(item)
    else:
        found = stored(open_artifacts(place.store), place.store_namespace, name)
    steps = select(found, [step] if step else (), selector, kind, run)
    if not chosen and not all_steps:
        failed = set(found.decision.failed)
        steps = [each for each in steps if each.key in failed]
    if follow:
        if pods is not None and pods.follow({each.key for each in steps}, tail):
            return
        _follow(found, steps)
        return
    claimed = found.artifacts.attempt_numbers()
    running = pods.running() if pods is not None and attempt is None else {}
    shown = [each for each in steps if each.key in claimed or each.key in running]
    if not shown and not step:
        say(
            "no step of these was tried yet"
            if chosen
            else "no step failed; --all shows the logs of all steps, or name one: cltctl logs "
            "NAME KEY"
        )
    if step and not shown:
        shown = steps
    for each in shown:
        heading = not step
        pod = running.get(each.key)
        if not (pods and pod and pods.show(pod, each, tail, heading=heading)):
            _print(found, each, attempt, tail, heading=heading)


def _print(
    found: "Stored", step: "Step", attempt: int | None, tail: int | None, *, heading: bool
) -> None:
    from clt_operator.cli.output import show
    from clt_operator.cli.stored import NotFound

    numbers = [state.claim.attempt for state in found.artifacts.attempts(step.key)]
    if not numbers:
        raise NotFound(f"step {step.key[:16]} was never attempted")
    number = attempt or numbers[-1]
    if number not in numbers:
        known = ", ".join(map(str, numbers))
        raise NotFound(f"step {step.key[:16]} has no attempt {number}: it has {known}")
    data = found.artifacts.log(step.key, number)
    if heading:
        show(title(step, f"attempt {number}"))
    text = "(no log was shipped)" if data is None else data.decode(errors="replace").rstrip("\n")
    if tail is not None:
        text = "\n".join(text.splitlines()[-tail:] if tail else [])
    show(text)


def title(step: "Step", what: str) -> str:
    labels = " ".join(value for value in step.labels.values() if value)
    return f"==> {step.kind} {labels} {step.key[:16]} {what} <=="


def _follow(found: "Stored", steps: "list[Step]") -> None:
    """Prints what the store gets of the latest attempts, until all of them have ended. Logs are
    shipped now and then, so lines come late."""
    from clt_operator.cli.output import flush, show

    printed: dict[tuple[str, int], int] = {}
    open_steps = list(steps)
    while open_steps:
        still = []
        for step in open_steps:
            states = found.artifacts.attempts(step.key)
            if states:
                number = states[-1].claim.attempt
                data = found.artifacts.log(step.key, number) or b""
                done = printed.get((step.key, number), 0)
                for line in data[done:].decode(errors="replace").splitlines():
                    show(f"{step.key[:12]} | {line}" if len(steps) > 1 else line)
                printed[step.key, number] = len(data)
            ended = states and states[-1].outcome is not None
            if not ended and found.artifacts.manifest(step.key) is None:
                still.append(step)
        open_steps = still
        flush()
        if open_steps:
            time.sleep(POLL)
