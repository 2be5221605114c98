"""version: of this release, and of the step kinds that it implements."""

from typing import Annotated

import typer

from clt_operator.cli.options import Format


def register(app: typer.Typer) -> None:
    app.command("version", short_help="Print the version.")(version)


def version(
    output: Annotated[Format, typer.Option("-o", "--output")] = Format.table,
) -> None:
    """Print the version; with -o json also the versions of the step kinds."""
    from clt_operator import __version__
    from clt_operator.cli.output import dump, show

    if output in (Format.table, Format.name):
        show(f"cltctl {__version__}")
        return
    from clt_operator.api.kinds import KINDS

    kinds = {kind: params.version for kind, params in sorted(KINDS.items())}
    dump({"version": __version__, "apiVersion": "clt.dev/v1alpha1", "kinds": kinds}, output)
