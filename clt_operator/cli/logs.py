"""logs: what the attempts of a step printed; they outlive the processes and pods."""

from typing import TYPE_CHECKING, Annotated

import typer

from clt_operator.cli.options import DEFAULT_NAMESPACE, NamespaceOption, StoreOption

if TYPE_CHECKING:
    from clt_operator.api.step import Step
    from clt_operator.cli.stored import Stored


def register(app: typer.Typer) -> None:
    app.command("logs")(logs)


def logs(
    name: Annotated[str, typer.Argument(help="Experiment.")],
    step: Annotated[str | None, typer.Argument(help="Start of a step's key.")] = None,
    namespace: NamespaceOption = DEFAULT_NAMESPACE,
    store: StoreOption = None,
    attempt: Annotated[
        int | None, typer.Option("--attempt", help="Which attempt; default: the last.")
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", help="Without a step: only steps of this kind.")
    ] = None,
    all_steps: Annotated[
        bool, typer.Option("--all", help="Without a step: every step, not only failed ones.")
    ] = False,
) -> None:
    """Print the log of a step, or the logs of an experiment's failed steps."""
    from clt_operator.cli.output import say
    from clt_operator.cli.stored import open_artifacts, stored

    found = stored(open_artifacts(store), namespace, name)
    if step:
        _print(found, found.find(step), attempt, heading=False)
        return
    failed = set(found.decision.failed)
    claimed = found.artifacts.attempt_numbers()
    chosen = [
        each
        for each in found.plan.graph
        if each.key in claimed and kind in (None, each.kind) and (all_steps or each.key in failed)
    ]
    if not chosen:
        say("no step failed; --all shows the logs of all steps, or name one: cltctl logs NAME KEY")
    for each in chosen:
        _print(found, each, None, heading=True)


def _print(found: "Stored", step: "Step", attempt: int | None, *, heading: bool) -> None:
    from clt_operator.cli.output import show
    from clt_operator.cli.stored import NotFound

    numbers = [state.claim.attempt for state in found.artifacts.attempts(step.key)]
    if not numbers:
        raise NotFound(f"step {step.key[:16]} was never attempted")
    number = attempt or numbers[-1]
    if number not in numbers:
        known = ", ".join(map(str, numbers))
        raise NotFound(f"step {step.key[:16]} has no attempt {number}: it has {known}")
    text = found.artifacts.log(step.key, number)
    if heading:
        labels = " ".join(value for value in step.labels.values() if value)
        show(f"==> {step.kind} {labels} {step.key[:16]} attempt {number} <==")
    show("(no log was shipped)" if text is None else text.decode(errors="replace").rstrip("\n"))
