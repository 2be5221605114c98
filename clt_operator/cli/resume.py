"""resume: go on with a suspended experiment."""

import typer

from clt_operator.cli.options import (
    ContextOption,
    KubeconfigOption,
    NamesArgument,
    NamespaceOption,
)


def register(app: typer.Typer) -> None:
    app.command("resume", short_help="Go on with suspended experiments.")(resume)


def resume(
    names: NamesArgument,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Make the Jobs of suspended experiments again; trainings go on from what they saved."""
    from clt_operator.cli.output import command, say
    from clt_operator.cli.wishes import wish

    place = wish(names, {"suspend": False}, "resumed", namespace, context, kubeconfig)
    say(f"next: {command('get', 'experiments', watch=True, **place.given)}")
