"""cancel: end an experiment for good, keep what it committed."""

import typer

from clt_operator.cli.options import (
    ContextOption,
    KubeconfigOption,
    NamesArgument,
    NamespaceOption,
    YesOption,
)


def register(app: typer.Typer) -> None:
    app.command("cancel", short_help="End experiments for good; keep what they committed.")(cancel)


def cancel(
    names: NamesArgument,
    yes: YesOption = False,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Stop experiments and make nothing more for them. What is committed stays.

    To stop for a while, suspend; to forget the experiment, delete.
    """
    from clt_operator.cli.asking import confirm
    from clt_operator.cli.output import command, say
    from clt_operator.cli.wishes import wish

    confirm(f"Cancel {', '.join(names)}?", yes=yes)
    place = wish(names, {"cancel": True}, "cancelled", namespace, context, kubeconfig)
    say(f"next: {command('delete', *names, **place.given)}, or apply the spec again after delete")
