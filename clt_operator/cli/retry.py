"""retry: failed steps get a fresh budget of attempts at the next apply."""

from typing import Annotated

import typer

from clt_operator.cli.options import DEFAULT_NAMESPACE, NamespaceOption, StoreOption


def register(app: typer.Typer) -> None:
    app.command("retry")(retry)


def retry(
    name: Annotated[str, typer.Argument(help="Experiment.")],
    step: Annotated[
        str | None, typer.Argument(help="Start of a step's key; default: every failed step.")
    ] = None,
    namespace: NamespaceOption = DEFAULT_NAMESPACE,
    store: StoreOption = None,
) -> None:
    """Forgive the attempts of failed steps. What was recorded of them stays."""
    from clt_operator.cli.output import say, show
    from clt_operator.cli.stored import open_artifacts, stored

    found = stored(open_artifacts(store), namespace, name)
    keys = [found.find(step).key] if step else list(found.decision.failed)
    tried = {key: states for key in keys if (states := found.artifacts.attempts(key))}
    if not tried:
        say("that step was never attempted" if step else "no step has failed")
        return
    forgiven = dict(found.root.get("forgiven", {}))
    for key, states in tried.items():
        forgiven[key] = states[-1].claim.attempt
        show(f"step/{key[:16]} forgiven")
    found.artifacts.write_root(namespace, name, {**found.root, "forgiven": forgiven})
    say("next: apply the spec again")
