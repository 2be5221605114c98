"""Options that several verbs share, declared once."""

from enum import StrEnum
from typing import Annotated

import typer

DEFAULT_NAMESPACE = "default"


class Format(StrEnum):
    table = "table"
    json = "json"
    yaml = "yaml"
    name = "name"


SpecArgument = Annotated[
    str | None, typer.Argument(metavar="SPEC", help="The spec file; - reads standard input.")
]
FileOption = Annotated[
    str | None, typer.Option("-f", "--filename", help="The spec file, as kubectl names it.")
]
VarOption = Annotated[
    list[str] | None,
    typer.Option(
        "--var", metavar="NAME=VALUE", help="Value of ${NAME} in the spec; recorded in the lock."
    ),
]
StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URI",
        envvar="CLT_STORE",
        help="Object store: s3://bucket/prefix, file:///directory or a path. Default: the spec's, "
        "else .clt/store.",
    ),
]
OutputOption = Annotated[Format, typer.Option("-o", "--output", help="Form of the answer.")]
SpecNamespaceOption = Annotated[
    str | None, typer.Option("-n", "--namespace", help="Namespace. Default: the spec's.")
]
NamespaceOption = Annotated[str, typer.Option("-n", "--namespace", help="Namespace.")]
