"""schema: the JSON schema of a spec, for editors."""

import typer


def register(app: typer.Typer) -> None:
    app.command("schema", short_help="Print the JSON schema of a spec, for editors.")(schema)


def schema() -> None:
    """Print the JSON schema of an Experiment (draft 2020-12).

    Editors with the YAML language server read it from a comment in the first line of a spec:
    # yaml-language-server: $schema=experiment.schema.json
    """
    from clt_operator.api.schema import experiment_schema
    from clt_operator.cli.options import Format
    from clt_operator.cli.output import dump

    dump(experiment_schema(), Format.json)
