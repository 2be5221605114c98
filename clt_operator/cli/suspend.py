"""suspend: stop an experiment's Jobs, keep everything, go on later."""

import typer

from clt_operator.cli.options import (
    ContextOption,
    KubeconfigOption,
    NamesArgument,
    NamespaceOption,
)


def register(app: typer.Typer) -> None:
    app.command("suspend", short_help="Stop the Jobs of experiments for a while.")(suspend)


def suspend(
    names: NamesArgument,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Stop the Jobs of experiments; what they computed so far is saved and costs no attempt.

    Jobs that another experiment needs as well go on.
    """
    from clt_operator.cli.output import command, say
    from clt_operator.cli.wishes import wish

    place = wish(names, {"suspend": True}, "suspended", namespace, context, kubeconfig)
    say(f"next: {command('resume', *names, **place.given)}")
