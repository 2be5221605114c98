"""schema: the JSON schema of a spec, for editors; the definition of its kind, for clusters."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    app.command("schema", short_help="Print the JSON schema of a spec, for editors.")(schema)


def schema(
    crd: Annotated[
        bool,
        typer.Option("--crd", help="Print the custom resource definition instead, as YAML."),
    ] = False,
) -> None:
    """Print the JSON schema of an Experiment (draft 2020-12).

    Editors with the YAML language server read it from a comment in the first line of a spec:
    # yaml-language-server: $schema=experiment.schema.json

    With --crd it is what a cluster needs to know of Experiments:
    cltctl schema --crd | kubectl apply --server-side -f -
    """
    from clt_operator.cli.options import Format
    from clt_operator.cli.output import dump, show

    if crd:
        from clt_operator.render.manifests import crd_manifest

        show(crd_manifest().rstrip("\n"))
        return
    from clt_operator.api.schema import experiment_schema

    dump(experiment_schema(), Format.json)
