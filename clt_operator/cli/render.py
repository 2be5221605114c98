"""render: the Kubernetes Job of every step, as YAML."""

import typer


def register(app: typer.Typer) -> None:
    del app
