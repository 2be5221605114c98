"""Options that several verbs share, declared once."""

from enum import StrEnum
from typing import Annotated

import typer

from clt_operator.cli.naming import complete_experiment

DEFAULT_NAMESPACE = "default"


class Format(StrEnum):
    table = "table"
    json = "json"
    yaml = "yaml"
    name = "name"


class ListFormat(StrEnum):
    table = "table"
    wide = "wide"
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
NameArgument = Annotated[
    str | None, typer.Argument(help="Experiment.", autocompletion=complete_experiment)
]
OneNameArgument = Annotated[
    str, typer.Argument(help="Experiment.", metavar="NAME", autocompletion=complete_experiment)
]
NamesArgument = Annotated[
    list[str],
    typer.Argument(help="Experiments.", metavar="NAME…", autocompletion=complete_experiment),
]
StepArgument = Annotated[str | None, typer.Argument(help="Start of a step's key.")]
StoreOption = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URI",
        envvar="CLT_STORE",
        help="Work on an object store, without a cluster: s3://bucket/prefix, file:///directory "
        "or a path.",
    ),
]
LocalOption = Annotated[
    bool, typer.Option("--local", help="Work on the default store .clt/store, without a cluster.")
]
ContextOption = Annotated[
    str | None, typer.Option("--context", help="Context of the kubeconfig. Default: the current.")
]
KubeconfigOption = Annotated[
    str | None,
    typer.Option("--kubeconfig", metavar="FILE", help="Default: $KUBECONFIG, else ~/.kube/config."),
]
OutputOption = Annotated[Format, typer.Option("-o", "--output", help="Form of the answer.")]
SpecNamespaceOption = Annotated[
    str | None, typer.Option("-n", "--namespace", help="Namespace. Default: the spec's.")
]
NamespaceOption = Annotated[
    str | None,
    typer.Option(
        "-n", "--namespace", help="Namespace. Default: the context's; in a store 'default'."
    ),
]
AllNamespacesOption = Annotated[
    bool, typer.Option("-A", "--all-namespaces", help="Of all namespaces.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
