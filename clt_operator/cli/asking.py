"""Asking before something that cannot be undone."""

import sys

import typer


def confirm(question: str, *, yes: bool) -> None:
    """Goes on where the answer is yes; a script, whose input is no terminal, is not asked."""
    from clt_operator.cli.output import say

    if yes or not sys.stdin.isatty():
        return
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        say("nothing was done")
        raise typer.Exit(1)
