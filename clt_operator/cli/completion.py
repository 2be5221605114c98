"""completion: the script that makes a shell complete cltctl."""

import os
from enum import StrEnum
from typing import Annotated

import typer

VARIABLE = "_CLTCTL_COMPLETE"


class Shell(StrEnum):
    bash = "bash"
    zsh = "zsh"
    fish = "fish"
    powershell = "powershell"


def register(app: typer.Typer) -> None:
    app.command("completion", short_help="Print the completion script of a shell.")(completion)


def completion(shell: Annotated[Shell, typer.Argument(help="Your shell.")]) -> None:
    """Print the completion script of a shell.

    For this session of bash: source <(cltctl completion bash)
    """
    from typer._completion_shared import get_completion_script

    from clt_operator.cli.output import show

    script = get_completion_script(prog_name="cltctl", complete_var=VARIABLE, shell=shell.value)
    show(script)


def prepare() -> None:
    """Teaches the command line the answers that the script asks for; only where it asks."""
    if VARIABLE in os.environ:
        from typer._completion_classes import completion_init

        completion_init()
